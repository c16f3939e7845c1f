"""The innermost step: one attempt on the wire, committed at its first content event."""

from collections import deque
from dataclasses import dataclass
from functools import cache

import httpx

from ..core.call import Call
from ..core.errors import ProviderError
from ..core.facts import AttemptFacts
from ..core.rate_meters import meters_of
from ..core.reply import Event, Finish, Reply, replay
from ..wire.codec import Codec, StreamDecoder
from ..wire.sse import one_by_one
from .endpoint import Endpoint
from .transport import NETWORK_ERRORS, provider_error, read_body, reader

COMMON = {"content-type": "application/json", "user-agent": "brownout"}
STREAMED = COMMON | {"accept": "text/event-stream", "accept-encoding": "identity"}
WHOLE = COMMON | {"accept": "application/json", "accept-encoding": "gzip, deflate"}
"""Whole replies may be compressed; a compressed stream would be delayed until a block is full."""


@dataclass(frozen=True, slots=True)
class Send:
    """Sends a call to one provider. Raises `ProviderError`; never retries, never sleeps.

    The call's attempt id travels as `x-client-request-id`, so a provider's log can be joined with ours.
    """

    transport: httpx.AsyncBaseTransport
    codec: Codec
    endpoint: Endpoint
    connect_s: float = 5.0

    async def __call__(self, call: Call) -> Reply:
        key = call.attempt.key_name
        wire = self.codec.request(call, self.endpoint.keys[key] if key else self.endpoint.api_key)
        headers = wire.headers | (STREAMED if call.request.stream else WHOLE)
        if call.attempt.facts is not None:
            call.attempt.facts.sent = True
            headers["x-client-request-id"] = call.attempt.facts.attempt_id
        url = _url(self.endpoint.base_url + wire.path)
        limits = {"timeout": {"connect": self.connect_s}}
        request = httpx.Request("POST", url, headers=headers, content=wire.body, extensions=limits)
        try:
            response = await self.transport.handle_async_request(request)
            response.request = request
            if response.status_code != 200:
                raise self.codec.error(response.status_code, response.headers, await read_body(response))
            return await (
                self._stream(response, call.attempt.facts) if call.request.stream else self._whole(response)
            )
        except NETWORK_ERRORS as error:
            raise provider_error(error, after_first=False) from error

    async def _whole(self, response: httpx.Response) -> Reply:
        first, *rest = self.codec.parse(await read_body(response))
        return Reply(first, replay(tuple(rest)), meters_of(response.headers))

    async def _stream(self, response: httpx.Response, attempt: AttemptFacts | None) -> Reply:
        kind = response.headers.get("content-type", "")
        if not kind.startswith("text/event-stream"):
            await response.aclose()
            raise ProviderError("malformed", f"expected an event stream, got {kind or 'no content type'}")
        source = WireEvents(response, self.codec.decoder(), attempt)
        return Reply(await source.__anext__(), source, meters_of(response.headers))


@cache
def _url(text: str) -> httpx.URL:
    """Parsed once per URL: a stack uses few URLs."""
    return httpx.URL(text)


class WireEvents:
    """A streamed reply's events. The response is closed however they end.

    An error's `phase` tells whether an event was delivered before it; events that arrived in the same read as
    an error are delivered first. Prompt usage that the provider has reported is noted on the attempt.
    """

    def __init__(
        self, response: httpx.Response, decoder: StreamDecoder, attempt: AttemptFacts | None = None
    ) -> None:
        self._response = response
        self._attempt = attempt
        self._read = reader(response)
        self._decoder = decoder
        self._pending: deque[Event] = deque()
        self._committed = False
        self._over = False
        self._broken: ProviderError | None = None

    async def __anext__(self) -> Event:
        while not self._pending:
            if self._broken is not None:
                raise self._broken
            if self._over:
                raise StopAsyncIteration
            try:
                await self._more()
            except BaseException:
                await self.aclose()
                raise
        self._committed = True
        return self._pending.popleft()

    async def _more(self) -> None:
        try:
            received = await self._read()
            if received:
                for part in one_by_one(received):
                    self._pending.extend(self._decoder.feed(part))
                if self._pending and type(self._pending[-1]) is Finish:
                    self._note_usage()
                return
            self._decoder.end()
        except ProviderError as error:
            error.phase = "after" if self._committed or self._pending else "before"
            self._broken = error
        except NETWORK_ERRORS as error:
            raise provider_error(error, after_first=self._committed) from error
        await self.aclose()

    async def aclose(self) -> None:
        """Return the connection to the pool, or close it if the reply is unfinished. Idempotent."""
        if not self._over:
            self._over = True
            self._note_usage()
            await self._response.aclose()

    def _note_usage(self) -> None:
        if self._attempt is None:
            return
        self._attempt.service_tier = self._decoder.service_tier
        usage = self._decoder.reported_usage
        if usage is not None:
            self._attempt.note_prompt(usage)
