"""Mock providers over ASGI in virtual time, without sockets or real waits: one request after the other."""

import asyncio
import re
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, TypeVar

import orjson

from harness.virtual import LeakReport, run_virtual
from mock_providers import LedgerRow, MockApp, Profile, make_profile

T = TypeVar("T")

PATIENCE_S = 400.0
"""Time after which a client disconnects: longer than any reply here takes."""

_NAME = re.compile(rb"[a-z0-9-]+")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_MODEL: dict[str, Any] = {
    "tier": "balanced",
    "price": {
        "input": "1",
        "output": "2",
        "cached_input": "0.5",
        "cache_write": "1.25",
        "cache_write_1h": "2",
    },
    "ttft": {"kind": "constant", "value_s": 0.01},
    "pace": {"tokens_per_s": 1000.0, "chunk_tokens": [1, 4]},
    "accuracy": {"easy": 1.0, "medium": 0.5, "hard": 0.0},
    "context_window": 20_000,
    "max_output_tokens": 200,
}
_EMBEDDING = {
    "price": {"input": "0.02"},
    "latency": {"kind": "constant", "value_s": 0.01},
    "dimensions": 8,
}


def small_world() -> Profile:
    """A provider per protocol, without limits and with short replies; only `locked` lists its keys."""
    providers: dict[str, Any] = {
        name: {"protocol": name, "models": {"m-1": {**_MODEL, "aliases": ["m"]}}}
        for name in ("openai", "anthropic", "together", "gemini")
    }
    providers["openai"]["obfuscation"] = True
    for name in ("openai", "together"):
        providers[name]["embeddings"] = {"e-1": _EMBEDDING}
    providers["anthropic"]["models"]["m-1"]["prompt_cache"] = {"kind": "breakpoints"}
    providers["openai"]["models"]["m-1"]["prompt_cache"] = {"kind": "automatic"}
    providers["locked"] = {**providers["openai"], "keys": ["sk-good"]}
    return make_profile({"name": "small", "title": "small", "providers": providers})


class Sent(NamedTuple):
    """One request as sent; `path`: as decoded by the server."""

    method: str
    path: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes = b""
    query: bytes = b""


class Got(NamedTuple):
    """The response, status 0 without one; `cut`: provider or client cut the connection before its end."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes
    cut: bool

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return orjson.loads(self.body)


class World:
    """The providers of a profile, and a client that sends one request after the other."""

    def __init__(self, profile: Profile) -> None:
        self.app = MockApp(profile)

    async def ask(self, provider: str, sent: Sent, *, patience_s: float = PATIENCE_S) -> Got:
        """Send one request to a provider; the response, checked to be valid HTTP."""
        loop = asyncio.get_running_loop()
        left = loop.create_future()
        started: list[dict[str, Any]] = []
        parts: list[bytes] = []
        to_send = [{"type": "http.request", "body": sent.body, "more_body": False}]
        cut: list[str] = []

        async def receive() -> dict[str, Any]:
            if to_send:
                return to_send.pop()
            await asyncio.shield(left)
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            (started if message["type"] == "http.response.start" else parts).append(
                message if message["type"] == "http.response.start" else message.get("body", b"")
            )

        def cutter(how: str) -> Callable[[], None]:
            def do() -> None:
                cut.append(how)
                leave()

            return do

        def leave() -> None:
            if not left.done():
                left.set_result(None)

        extensions = {how: cutter(how) for how in ("brownout.reset", "brownout.close")}
        scope = {
            "type": "http",
            "method": sent.method,
            "path": sent.path,
            "query_string": sent.query,
            "headers": list(sent.headers),
            "extensions": extensions,
        }
        timer = loop.call_later(patience_s, leave)
        await self.app.provider(provider)(scope, receive, send)
        timer.cancel()
        assert len(started) <= 1
        if not started:
            assert left.done()
            return Got(0, {}, b"", cut=True)
        return _checked(
            Got(started[0]["status"], dict(started[0]["headers"]), b"".join(parts), left.done()), sent
        )

    @property
    def rows(self) -> list[LedgerRow]:
        """The rows of live requests, without those of batch items."""
        return [row for row in self.app.ledger.rows if row.batch_id is None]


def _checked(got: Got, sent: Sent) -> Got:
    assert 200 <= got.status <= 599
    for name, value in got.headers.items():
        assert _NAME.fullmatch(name), name
        assert _VALUE.fullmatch(value), value
    if b"content-length" in got.headers and not got.cut:
        assert int(got.headers[b"content-length"]) == len(got.body)
    return got


def play(session: Coroutine[Any, Any, T]) -> T:
    """Run a session in virtual time; no task or timer may be left."""
    left: list[LeakReport] = []
    result = run_virtual(session, on_leak_report=left.append)
    assert not [each for each in left if each.tasks], left
    return result
