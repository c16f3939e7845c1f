"""The innermost step: one attempt on the wire, committed at its first content event."""

import asyncio
from collections import deque
from dataclasses import dataclass
from functools import cache
from math import inf

import httpx

from ..core.call import Call
from ..core.errors import ProviderError
from ..core.rate_meters import meters_of
from ..core.reply import Event, Finish, Reply, replay
from ..wire.codec import Codec, StreamDecoder
from ..wire.sse import looks_like_events, one_by_one
from .endpoint import Endpoint
from .transport import FRESH, NETWORK_ERRORS, provider_error, read_body, reader, unanswered

COMMON = {"content-type": "application/json", "user-agent": "brownout"}
STREAMED = COMMON | {"accept": "text/event-stream", "accept-encoding": "identity"}
WHOLE = COMMON | {"accept": "application/json", "accept-encoding": "gzip, deflate"}
"""Whole replies may be compressed; a compressed stream would be delayed until a block is full."""


AFTER_FINISH_S = 2.0
"""A reply whose finish reason has come is whole: the wait for its usage and its end."""


@dataclass(frozen=True, slots=True)
class Send:
    """Sends a call to one provider. Raises `ProviderError`; never retries, never sleeps.

    The call's attempt id travels as `x-client-request-id`, so a provider's log can be joined with ours.
    """

    transport: httpx.AsyncBaseTransport
    codec: Codec
    endpoint: Endpoint
    connect_s: float = 5.0
    after_finish_s: float = AFTER_FINISH_S

    async def __call__(self, call: Call) -> Reply:
        key = call.attempt.key_name
        wire = self.codec.request(call, self.endpoint.keys[key] if key else self.endpoint.api_key)
        headers = wire.headers | (STREAMED if call.request.stream else WHOLE)
        if call.attempt.facts is not None:
            call.attempt.facts.sent = True
            headers["x-client-request-id"] = call.attempt.facts.attempt_id
        url = _url(self.endpoint.base_url + wire.path)
        options = {"timeout": {"connect": self.connect_s}, FRESH: call.attempt.fresh_connection}
        request = httpx.Request("POST", url, headers=headers, content=wire.body, extensions=options)
        try:
            response = await self.transport.handle_async_request(request)
            response.request = request
            if response.status_code != 200:
                raise self.codec.error(response.status_code, response.headers, await read_body(response))
            return await (
                self._stream(response, call) if call.request.stream else self._whole(response, call)
            )
        except NETWORK_ERRORS as error:
            raise unanswered(error, request) from error

    async def _whole(self, response: httpx.Response, call: Call) -> Reply:
        body = await read_body(response, call.attempt.on_sign)
        first, *rest = events_of_body(self.codec, body)
        return Reply(first, replay(tuple(rest)), meters_of(response.headers))

    async def _stream(self, response: httpx.Response, call: Call) -> Reply:
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            return await self._whole(response, call)
        source = WireEvents(response, self.codec.decoder(), call, self.after_finish_s)
        return Reply(await source.__anext__(), source, meters_of(response.headers))


def events_of_body(codec: Codec, body: bytes) -> list[Event]:
    """The events of a reply that was read whole: a JSON reply, or a stream, whichever was asked for.

    Servers exist that know one of the two only. Raises `ProviderError`.
    """
    if not looks_like_events(body):
        return codec.parse(body)
    decoder, events = codec.decoder(), list[Event]()
    try:
        for part in one_by_one(body):
            events += decoder.feed(part)
        events += decoder.flush()
    except ProviderError:
        if not decoder.finished:
            raise
    finish = decoder.whole()
    if finish is not None:
        return [*events, finish]
    decoder.end()
    return events


@cache
def _url(text: str) -> httpx.URL:
    """Parsed once per URL: a stack uses few URLs."""
    return httpx.URL(text)


class WireEvents:
    """A streamed reply's events. The response is closed however they end.

    Once the finish reason is known the answer is whole: whatever happens then (an error, the end of the body,
    silence for `after_finish_s`, or for half of the time that is left to the call) ends it with its `Finish`.
    Before that, an error's `phase` tells whether an event was delivered before it; events that arrived in the
    same read as an error are delivered first. A read that brings a sign of life without a word is passed to
    `call.attempt.on_sign`. Prompt usage that the provider has reported is noted on the attempt.
    """

    def __init__(
        self,
        response: httpx.Response,
        decoder: StreamDecoder,
        call: Call | None = None,
        after_finish_s: float = AFTER_FINISH_S,
    ) -> None:
        self._response = response
        self._attempt = None if call is None else call.attempt
        self._deadline_s = inf if call is None else call.caller.deadline_s
        self._after_finish_s = after_finish_s
        self._read = reader(response)
        self._decoder = decoder
        self._pending: deque[Event] = deque()
        self._signs = 0
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
            received = await (self._read_rest() if self._decoder.finished else self._read())
            if received:
                self._take(received)
                return
            self._last_words()
            if not self._ended_whole():
                self._decoder.end()
        except ProviderError as error:
            self._break(error)
        except NETWORK_ERRORS as error:
            self._last_words()
            self._break(provider_error(error, after_first=self._committed))
        await self.aclose()

    def _last_words(self) -> None:
        """Events of a last part that lacks only its blank line."""
        try:
            self._pending.extend(self._decoder.flush())
        except ProviderError as error:
            self._break(error)

    def _take(self, received: bytes) -> None:
        for part in one_by_one(received):
            self._pending.extend(self._decoder.feed(part))
        if self._pending and type(self._pending[-1]) is Finish:
            self._note_usage()
        if not self._pending and self._decoder.signs != self._signs:
            self._sign()
        self._signs = self._decoder.signs

    def _sign(self) -> None:
        if self._attempt is not None and self._attempt.on_sign is not None:
            self._attempt.on_sign()

    async def _read_rest(self) -> bytes:
        """As `_read`, b"" when nothing more comes in time."""
        now = asyncio.get_running_loop().time()
        until_s = now + min(self._after_finish_s, (self._deadline_s - now) / 2)
        try:
            async with asyncio.timeout_at(until_s):
                return await self._read()
        except TimeoutError:
            return b""

    def _break(self, error: ProviderError) -> None:
        if self._broken is not None or self._ended_whole():
            return
        error.phase = "after" if self._committed or self._pending else "before"
        self._broken = error

    def _ended_whole(self) -> bool:
        finish = self._decoder.whole()
        if finish is not None:
            self._note_usage()
            self._pending.append(finish)
        return finish is not None

    async def aclose(self) -> None:
        """Return the connection to the pool, or close it if the reply is unfinished. Idempotent."""
        if not self._over:
            self._over = True
            self._note_usage()
            await self._response.aclose()

    def _note_usage(self) -> None:
        if self._attempt is None or (facts := self._attempt.facts) is None:
            return
        facts.service_tier = self._decoder.service_tier
        usage = self._decoder.reported_usage
        if usage is not None:
            facts.note_prompt(usage)
