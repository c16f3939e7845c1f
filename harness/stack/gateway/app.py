"""The stack as an OpenAI-compatible server: plain ASGI, any OpenAI client works unchanged.

What the stack did for a call travels beside the answer: in `x-brownout-*` headers when the reply begins, and,
for streams, in an SSE comment line before `[DONE]`, when attempts and cost are final. A failure after the
first token is an error event and no `[DONE]`: a cut stream never looks whole.

A client says in headers what the protocol has no field for: `x-brownout-call-id`, `x-brownout-tenant`,
`x-brownout-priority` (interactive, batch), `x-brownout-residency` (the region the call must stay in),
`x-brownout-hint` (how hard the question is, for a router that may know) and `x-brownout-cache`
(refresh: leave an answer in the cache but take none from it; bypass: neither).
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, cast

import orjson

from ..assembly.stack import Stack
from ..core.call import CacheUse, Call, Caller
from ..core.errors import AllProvidersFailed, ProviderError, Rejected, StackError
from ..core.facts import CallFacts
from ..core.kinds import ERROR_KINDS
from ..core.reply import Delta, Finish, Reply, ToolDelta
from . import chunks as wire
from .fields import BadRequest
from .request import ChatRequest, parse_chat_request

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MAX_BODY_BYTES = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Gateway:
    """`wall_offset_s` plus the loop's clock is the epoch time written into `created`."""

    stack: Stack
    wall_offset_s: float = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"this server speaks HTTP only, not {scope['type']}")
        exchange = Exchange(self, scope, receive, send)
        route = (scope["method"], scope["path"])
        if route == ("POST", "/v1/chat/completions"):
            await exchange.until_hang_up(exchange.chat)
        elif route == ("GET", "/v1/models"):
            await exchange.send_json(200, _models(self.stack))
        elif route == ("GET", "/health"):
            now = asyncio.get_running_loop().time()
            await exchange.send_json(200, orjson.dumps(await self.stack.health(now)))
        else:
            said = f"Invalid URL ({scope['method']} {scope['path']})"
            await exchange.send_json(404, wire.error_json("invalid_request_error", "not_found", said))


class Exchange:
    """One request and its response."""

    def __init__(self, gateway: Gateway, scope: Scope, receive: Receive, send: Send) -> None:
        self._gateway = gateway
        self._receive = receive
        self._send = send
        self._headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}

    async def until_hang_up(self, work: Callable[[bytes], Awaitable[None]]) -> None:
        """Run `work` on the request's body; a client that hangs up cancels it at once."""
        body = await self._body()
        if body is None:
            return
        me = asyncio.current_task()
        assert me is not None
        gone = False

        async def watch() -> None:
            nonlocal gone
            while (await self._receive())["type"] != "http.disconnect":
                pass
            gone = True
            me.cancel()

        watcher = asyncio.create_task(watch())
        try:
            await work(body)
        except asyncio.CancelledError:
            if not gone or me.uncancel() > 0:
                raise
        finally:
            watcher.cancel()

    async def _body(self) -> bytes | None:
        """The request's body; None if the client left while sending it."""
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return None
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > MAX_BODY_BYTES:
                said = f"the body exceeds {MAX_BODY_BYTES} bytes"
                await self.send_json(413, wire.error_json("invalid_request_error", "too_large", said))
                return None
            if not message.get("more_body"):
                return b"".join(chunks)

    async def chat(self, body: bytes) -> None:
        """One chat completion, streamed or whole."""
        try:
            request = parse_chat_request(body)
        except BadRequest as error:
            complaint = wire.error_json("invalid_request_error", error.kind, str(error), error.param)
            await self.send_json(400, complaint)
            return
        call = self._call(request)
        try:
            async with await self._gateway.stack.ask(call) as reply:
                identity = self._identity(call.facts)
                if request.stream:
                    await self._stream(reply, call.facts, identity, request.include_usage)
                else:
                    answer = await reply.answer()
                    headers = fact_headers(call.facts, final=True)
                    await self.send_json(200, wire.completion(identity, answer), headers)
        except StackError as error:
            await self._refuse(error, call.facts)

    def _call(self, request: ChatRequest) -> Call:
        now = asyncio.get_running_loop().time()
        stack = self._gateway.stack
        call_id = self._headers.get("x-brownout-call-id") or stack.next_id()
        return stack.call(
            call_id,
            request.messages,
            now,
            self._caller(),
            model=request.model,
            stream=request.stream,
            **request.asked,
        )

    def _caller(self) -> Caller:
        header = self._headers.get
        return Caller(
            tenant=header("x-brownout-tenant", ""),
            key=key_name(header("authorization", "")),
            priority="batch" if header("x-brownout-priority") == "batch" else "interactive",
            cache=_cache_use(header("x-brownout-cache", "")),
            hint=header("x-brownout-hint", ""),
            residency=header("x-brownout-residency", ""),
        )

    def _identity(self, facts: CallFacts) -> wire.Identity:
        answered_by = facts.answered_by
        model = "cache" if answered_by is None else answered_by.model
        created = int(self._gateway.wall_offset_s + asyncio.get_running_loop().time())
        return wire.Identity(f"chatcmpl-{facts.call_id}", created, model)

    async def _stream(
        self, reply: Reply, facts: CallFacts, identity: wire.Identity, include_usage: bool
    ) -> None:
        writer = wire.ChunkWriter(identity, include_usage=include_usage)
        headers = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
        await self._start(200, headers | fact_headers(facts, final=False))
        opening = writer.role()
        try:
            async for event in reply:
                if isinstance(event, Finish):
                    closing = opening + writer.finish(event)
                    continue
                if opening and isinstance(event, ToolDelta):
                    opening = writer.role(text=False)
                piece = writer.text(event.text) if isinstance(event, Delta) else writer.tool(event)
                await self._write(opening + piece)
                opening = b""
        except StackError as error:
            closing = wire.data(wire.error_json("upstream_error", error.kind, str(error)))
            await self._write(opening + closing + fact_comment(facts), last=True)
        else:
            await self._write(closing + fact_comment(facts) + wire.DONE, last=True)

    async def _refuse(self, error: StackError, facts: CallFacts) -> None:
        """A failure before anything was sent. `x-should-retry` keeps client retries from multiplying ours."""
        status = ERROR_KINDS[_kind(error)].status
        headers = fact_headers(facts, final=True) | {"x-should-retry": "false"}
        hint_s = retry_after_s(error)
        if hint_s is not None:
            headers["retry-after"] = str(max(1, round(hint_s)))
        kind = "rejected" if isinstance(error, Rejected) else "upstream_error"
        await self.send_json(status, wire.error_json(kind, error.kind, str(error)), headers)

    async def send_json(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """A whole JSON response."""
        base = {"content-type": "application/json", "content-length": str(len(body))}
        await self._start(status, base | (headers or {}))
        await self._write(body, last=True)

    async def _start(self, status: int, headers: dict[str, str]) -> None:
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def _write(self, body: bytes, *, last: bool = False) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": not last})


def _cache_use(said: str) -> CacheUse:
    """What a client wants of the cache; what nobody knows is as good as nothing."""
    return cast("CacheUse", said) if said in ("refresh", "bypass") else "use"


def key_name(authorization: str) -> str:
    """What a client's credential is called: "key-" and 12 hex digits of its SHA-256, "" without one."""
    credential = authorization.removeprefix("Bearer ").strip()
    return f"key-{sha256(credential.encode()).hexdigest()[:12]}" if credential else ""


def fact_values(facts: CallFacts) -> dict[str, str | int | None]:
    """What a client may want to know about its call; of its route, if a router had a say."""
    answered_by = facts.answered_by
    routed = {} if facts.route_tier is None else {"policy": facts.route_policy, "tier": facts.route_tier}
    return {
        "call_id": facts.call_id,
        "provider": None if answered_by is None else answered_by.provider,
        "model": None if answered_by is None else answered_by.model,
        "cache": facts.cache,
        "attempts": len(facts.attempts),
        "cost_nusd": facts.cost_nusd,
        **routed,
    }


def fact_headers(facts: CallFacts, *, final: bool) -> dict[str, str]:
    """The facts as headers; a stream's cost is not known when its headers go out."""
    values = fact_values(facts)
    if not final:
        del values["cost_nusd"]
    return {f"x-brownout-{key.replace('_', '-')}": str(v) for key, v in values.items() if v is not None}


def fact_comment(facts: CallFacts) -> bytes:
    """The facts as an SSE comment, `: brownout {json}`."""
    return wire.comment(b"brownout " + orjson.dumps(fact_values(facts)))


def retry_after_s(error: StackError) -> float | None:
    """What a client should wait, if anybody said so."""
    if isinstance(error, AllProvidersFailed):
        hints = [hint for _, failure in error.failures if (hint := retry_after_s(failure)) is not None]
        return min(hints, default=None)
    return error.retry_after_s if isinstance(error, ProviderError | Rejected) else None


def _kind(error: StackError) -> str:
    """What went wrong; a call that suits none of the targets is as wrong as one that does not suit one."""
    if isinstance(error, AllProvidersFailed):
        kinds = dict.fromkeys(failure.kind for _, failure in error.failures)
        if list(kinds) == ["rejected_unsuitable"]:
            return "rejected_unsuitable"
    return error.kind


def _models(stack: Stack) -> bytes:
    listed = [
        {"id": target.model, "object": "model", "created": 0, "owned_by": target.provider}
        for target in stack.options.target
    ]
    return orjson.dumps({"object": "list", "data": listed})
