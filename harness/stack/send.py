"""The innermost step: one attempt on the wire, committed at its first content event."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

import httpx

from .call import Call
from .errors import ProviderError
from .reply import Event, Reply, replay
from .transport import provider_error
from .wire.codec import Codec, StreamDecoder


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a provider is reached, and with which key."""

    base_url: str
    api_key: str


@dataclass(frozen=True, slots=True)
class Send:
    """Sends a call to one provider. Raises `ProviderError`; never retries, never sleeps.

    The call's attempt id travels as `x-client-request-id`, so a provider's log can be joined with ours.
    """

    client: httpx.AsyncClient
    codec: Codec
    endpoint: Endpoint

    async def __call__(self, call: Call) -> Reply:
        wire = self.codec.request(call, self.endpoint.api_key)
        headers = wire.headers | {"content-type": "application/json"}
        if call.attempt is not None:
            call.attempt.sent = True
            headers["x-client-request-id"] = call.attempt.attempt_id
        request = self.client.build_request(
            "POST", self.endpoint.base_url + wire.path, headers=headers, content=wire.body
        )
        try:
            response = await self.client.send(request, stream=True)
            if response.status_code != 200:
                raise self.codec.error(response.status_code, response.headers, await _read(response))
            return await (self._stream(response) if call.stream else self._whole(response))
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise provider_error(error, after_first=False) from error

    async def _whole(self, response: httpx.Response) -> Reply:
        first, *rest = self.codec.parse(await _read(response))
        return Reply(first, replay(tuple(rest)))

    async def _stream(self, response: httpx.Response) -> Reply:
        kind = response.headers.get("content-type", "")
        if not kind.startswith("text/event-stream"):
            await response.aclose()
            raise ProviderError("malformed", f"asked for an event stream, got {kind or 'no content type'}")
        source = _events(response, self.codec.decoder())
        first = await anext(source)
        return Reply(first, source)


async def _read(response: httpx.Response) -> bytes:
    try:
        return await response.aread()
    finally:
        await response.aclose()


async def _events(response: httpx.Response, decoder: StreamDecoder) -> AsyncGenerator[Event]:
    """The stream's events; closes the response however it ends. Errors say if they came after the first."""
    committed = False
    try:
        async for chunk in response.aiter_raw():
            for event in decoder.feed(chunk):
                committed = True
                yield event
        decoder.end()
    except ProviderError as error:
        error.phase = "after" if committed else "before"
        raise
    except (httpx.HTTPError, httpx.StreamError) as error:
        raise provider_error(error, after_first=committed) from error
    finally:
        await response.aclose()
