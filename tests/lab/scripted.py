"""Hand-made providers: servers that send exactly the bytes of a script, at its moments, and end as it says.

The mock providers do what a provider's documentation says; these do what bug reports describe.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx
import orjson

from harness.stack.assembly.layers import build
from harness.stack.assembly.options import StackOptions
from harness.stack.assembly.stack import Stack
from harness.stack.core.facts import AttemptFacts, CallFacts
from harness.stack.core.reply import Answer
from harness.stack.core.request import Message
from harness.stack.gateway.app import Gateway
from harness.stack.state.backend import MemoryBackend
from harness.stack.upstream.endpoint import Endpoint
from harness.stack.upstream.transport import make_client
from harness.virtual import LeakReport, run_virtual
from harness.world.serving import serve

Ending = Literal["fin", "rst", "silence"]
ENDINGS: tuple[Ending, ...] = ("fin", "rst", "silence")
LONG_S = 10_000.0


@dataclass(frozen=True, slots=True)
class Script:
    """One response: `pieces` are bytes, and seconds to wait; then the connection ends as `end` says.

    A body without a length, so that "fin" ends it properly.
    """

    pieces: tuple[bytes | float, ...]
    end: Ending = "fin"
    status: int = 200
    content_type: str = "text/event-stream"

    @property
    def head(self) -> bytes:
        """Status line and headers."""
        return (
            f"HTTP/1.1 {self.status} Scripted\r\ncontent-type: {self.content_type}\r\n"
            "connection: close\r\n\r\n"
        ).encode()


def streamed(*pieces: bytes | float, end: Ending = "fin") -> Script:
    """An event stream."""
    return Script(pieces, end)


def whole(body: Any, status: int = 200, after_s: float = 0.0) -> Script:
    """A JSON body (HTML if it is bytes), `after_s` seconds after the request."""
    html = isinstance(body, bytes)
    content = body if html else orjson.dumps(body)
    kind = "text/html" if html else "application/json"
    return Script((after_s, content), status=status, content_type=kind)


def openai_error(status: int, message: str, **fields: Any) -> Script:
    """A refusal in OpenAI's shape."""
    return whole({"error": {"message": message, "type": "invalid_request_error", **fields}}, status)


def anthropic_error(status: int, message: str, kind: str = "invalid_request_error") -> Script:
    """A refusal in Anthropic's shape."""
    return whole({"type": "error", "error": {"type": kind, "message": message}}, status)


def data(value: Any) -> bytes:
    """One event of OpenAI's stream."""
    return b"data: " + (value if isinstance(value, bytes) else orjson.dumps(value)) + b"\n\n"


def chunk(text: str | None = None, reason: str | None = None, **more: Any) -> bytes:
    """One chunk of OpenAI's stream."""
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return data({"id": "x", "object": "chat.completion.chunk", "choices": [choice], **more})


def event(name: str, **fields: Any) -> bytes:
    """One event of Anthropic's stream."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), orjson.dumps({"type": name, **fields}))


def claude_text(text: str) -> bytes:
    """A text delta of Anthropic's stream."""
    return event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})


CLAUDE_START = event(
    "message_start", message={"content": [], "usage": {"input_tokens": 9, "output_tokens": 1}}
) + event("content_block_start", index=0, content_block={"type": "text", "text": ""})
CLAUDE_STOP = event("content_block_stop", index=0)


def claude_end(reason: str = "end_turn", **usage: Any) -> bytes:
    """The finish reason of Anthropic's stream, without its end."""
    return event("message_delta", delta={"stop_reason": reason}, usage={"output_tokens": 5, **usage})


DONE = data(b"[DONE]")
USAGE = data({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 5}})


def openai_whole(text: str | None, reason: str = "stop", **message: Any) -> dict[str, Any]:
    """A whole reply of OpenAI."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **message}}
    usage = {"prompt_tokens": 9, "completion_tokens": 5}
    return {"id": "x", "choices": [choice | {"finish_reason": reason}], "usage": usage}


@dataclass(slots=True)
class Received:
    """A request that a scripted provider got."""

    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass(slots=True)
class ScriptedProvider:
    """Serves its scripts, one a request; the last one again and again."""

    scripts: list[Script]
    requests: list[Received] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        try:
            await self._take(reader)
            script = self.scripts[min(len(self.requests), len(self.scripts)) - 1]
            writer.write(script.head)
            for piece in script.pieces:
                if isinstance(piece, float):
                    if await _left(reader, piece):
                        return
                else:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
            if script.end == "silence":
                await reader.read()
            if script.end == "rst":
                await asyncio.sleep(0.001)
                writer.transport.abort()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _take(self, reader: asyncio.StreamReader) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = [line.split(": ", 1) for line in head[1:] if ": " in line]
        headers = {name.lower(): value for name, value in fields}
        content = await reader.readexactly(int(headers.get("content-length", 0)))
        body = orjson.loads(content) if content.startswith(b"{") else content
        self.requests.append(Received(head[0].split(" ")[1], headers, body))


async def _left(reader: asyncio.StreamReader, within_s: float) -> bool:
    """Whether the client leaves within that time."""
    try:
        async with asyncio.timeout(within_s):
            await reader.read()
    except TimeoutError:
        return False
    return True


class ScriptedLab:
    """A stack and its gateway over scripted providers, by name."""

    def __init__(
        self,
        stack: Stack,
        gateway: str,
        client: httpx.AsyncClient,
        facts: list[CallFacts],
        providers: Mapping[str, ScriptedProvider],
    ) -> None:
        self.stack, self.gateway, self.client = stack, gateway, client
        self.facts, self.providers = facts, providers

    async def ask(self, id: str = "c1", text: str = "Hello?", **request: Any) -> Answer:
        """A call in process, read to its end."""
        now = asyncio.get_running_loop().time()
        messages = (Message("user", text),)
        async with await self.stack.ask(self.stack.call(id, messages, now, **request)) as reply:
            return await reply.answer()

    async def post(self, headers: Mapping[str, str] | None = None, **body: Any) -> httpx.Response:
        """A call over HTTP."""
        default = {"model": "any", "messages": [{"role": "user", "content": "Hello?"}]}
        url = f"{self.gateway}/v1/chat/completions"
        return await self.client.post(url, json=default | body, headers=dict(headers or {}))

    @property
    def attempts(self) -> list[AttemptFacts]:
        """The attempts of all calls that have ended."""
        return [attempt for facts in self.facts for attempt in facts.attempts]

    @property
    def path(self) -> list[tuple[str, str, str | None]]:
        """(kind, provider, error kind) of each attempt."""
        return [(attempt.kind, attempt.provider, attempt.error_kind) for attempt in self.attempts]


MODELS = {"openai": "gpt-4o", "anthropic": "claude-sonnet-4-5", "together": "meta-llama/Llama-3-70b-chat-hf"}


@asynccontextmanager
async def open_scripted(
    scripts: Mapping[str, Script | Sequence[Script]], **table: Any
) -> AsyncIterator[ScriptedLab]:
    """A lab whose chain is the providers of `scripts`, in their order; `table` is the stack's TOML."""
    async with AsyncExitStack() as world:
        providers, endpoints = {}, {}
        for nth, (name, script) in enumerate(scripts.items()):
            given = [script] if isinstance(script, Script) else list(script)
            provider = providers[name] = ScriptedProvider(given)
            await world.enter_async_context(
                await asyncio.start_server(provider.serve, "127.0.0.1", 7100 + nth)
            )
            path = "" if name == "anthropic" else "/v1"
            endpoints[name] = Endpoint(f"http://127.0.0.1:{7100 + nth}{path}", "key")
        targets = [{"provider": name, "model": MODELS[name]} for name in scripts]
        options = StackOptions.model_validate({"target": targets, "fallback": {}, **table})
        facts: list[CallFacts] = []
        stack = build(options, endpoints, sink=facts.append, backend=MemoryBackend())
        world.push_async_callback(stack.aclose)
        gateway = await world.enter_async_context(serve(Gateway(stack)))
        client = await world.enter_async_context(make_client(2.0))
        yield ScriptedLab(stack, gateway, client, facts, providers)


Scene = Callable[[ScriptedLab], Awaitable[None]]


def play(scene: Scene, scripts: Mapping[str, Script | Sequence[Script]], **table: Any) -> None:
    """Run a scene over scripted providers in virtual time; nothing may be left open after it."""

    async def played() -> None:
        async with open_scripted(scripts, **table) as lab:
            await scene(lab)
            await asyncio.sleep(1.0)  # the providers end, too

    reports: list[LeakReport] = []
    run_virtual(played(), on_leak_report=reports.append)
    assert reports == [LeakReport()]
