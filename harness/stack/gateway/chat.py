"""One chat completion: a request in, a stream or a whole reply out."""

import asyncio
from math import inf

from ..assembly.stack import Stack
from ..core.call import Call
from ..core.errors import StackError
from ..core.facts import CallFacts
from ..core.reply import Delta, Finish, Reply, ToolDelta
from . import chunks as wire
from .caller import caller_of
from .fact_headers import fact_comment, fact_headers
from .fields import BadRequest
from .http.asgi import Response
from .http.heartbeats import HEADERS, Heartbeats
from .refusal import refusal
from .request import ChatRequest, parse_chat_request


class ChatCompletion:
    """Serves one request. `wall_offset_s` plus the loop's clock is the Unix time written into `created`."""

    def __init__(
        self, stack: Stack, headers: dict[str, str], response: Response, wall_offset_s: float
    ) -> None:
        self._stack = stack
        self._headers = headers
        self._response = response
        self._wall_offset_s = wall_offset_s

    async def serve(self, body: bytes) -> None:
        """Answer the request in `body`, streamed or whole."""
        try:
            request = parse_chat_request(body)
        except BadRequest as error:
            complaint = wire.error_json("invalid_request_error", error.kind, str(error), error.param)
            await self._response.json(400, complaint)
            return
        call = self._call(request)
        every_s = self._stack.options.gateway.keepalive_s if request.stream else 0.0
        async with Heartbeats(self._response, every_s or inf):
            try:
                await self._answer(call, request)
            except StackError as error:
                await self._refuse(call, error)

    async def _answer(self, call: Call, request: ChatRequest) -> None:
        async with await self._stack.ask(call) as reply:
            identity = self._identity(call)
            if request.stream:
                await self._stream(reply, call.facts, identity, request.include_usage)
            else:
                answer = await reply.answer()
                headers = fact_headers(call.facts, final=True)
                await self._response.json(200, wire.completion(identity, answer), headers)

    async def _refuse(self, call: Call, error: StackError) -> None:
        """An error status, or an error event if the status has been sent early."""
        if self._response.started:
            await self._response.write(
                _error_event(error) + fact_comment(call.facts, self._headers), last=True
            )
            return
        status, refused, headers = refusal(error)
        await self._response.json(status, refused, fact_headers(call.facts, final=True) | headers)

    def _call(self, request: ChatRequest) -> Call:
        return self._stack.call(
            self._headers.get("x-brownout-call-id") or self._stack.next_id(),
            request.messages,
            asyncio.get_running_loop().time(),
            caller_of(self._headers),
            model=request.model,
            stream=request.stream,
            **request.options,
        )

    def _identity(self, call: Call) -> wire.Identity:
        """A cached answer has the name of the model that was asked for, or of the first target's."""
        answered_by = call.facts.answered_by
        if answered_by is not None:
            model = answered_by.model
        else:
            model = call.request.model or self._stack.options.target[0].model
        created = int(self._wall_offset_s + asyncio.get_running_loop().time())
        return wire.Identity(f"chatcmpl-{call.facts.call_id}", created, model)

    async def _stream(
        self, reply: Reply, facts: CallFacts, identity: wire.Identity, include_usage: bool
    ) -> None:
        writer = wire.ChunkWriter(identity, include_usage=include_usage)
        if not self._response.started:
            await self._response.start(200, HEADERS | fact_headers(facts, final=False))
        opening = writer.role()
        try:
            async for event in reply:
                if isinstance(event, Finish):
                    closing = opening + writer.finish(event)
                    continue
                if opening and isinstance(event, ToolDelta):
                    opening = writer.role(text=False)
                piece = writer.text(event.text) if isinstance(event, Delta) else writer.tool(event)
                if event.thought:
                    piece = writer.thought(event.thought) + piece
                await self._response.write(opening + piece)
                opening = b""
        except StackError as error:
            await self._response.write(
                opening + _error_event(error) + fact_comment(facts, self._headers), last=True
            )
        else:
            await self._response.write(closing + fact_comment(facts, self._headers) + wire.DONE, last=True)


def _error_event(error: StackError) -> bytes:
    """The error of a stream whose status has been sent; no `[DONE]` follows it."""
    return wire.data(wire.error_json("upstream_error", error.kind, str(error)))
