"""The gateway: OpenAI's protocol towards the client, call facts beside the answer, hang-ups noticed."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from harness.stack.assembly.options import StackOptions
from harness.stack.assembly.stack import Stack
from harness.stack.core.errors import AllProvidersFailed, ProviderError, Rejected
from harness.stack.core.facts import AttemptFacts
from harness.stack.core.reply import Delta, Reply
from harness.stack.gateway.app import Gateway

OPTIONS = StackOptions.model_validate({"target": [{"provider": "openai", "model": "gpt-4o"}]})
ASK = {"model": "any", "messages": [{"role": "user", "content": "hi"}]}


class Client:
    """One ASGI exchange: what the server was sent, and what it sent."""

    def __init__(
        self, body: bytes, headers: dict[str, str] | None = None, *, hang_up_after: int | None = None
    ):
        self.sent: list[dict[str, Any]] = []
        self._incoming = [{"type": "http.request", "body": body, "more_body": False}]
        self._hang_up_after = hang_up_after
        self._gone = asyncio.Event()
        encoded = [
            (name.encode(), value.encode())
            for name, value in ({"x-brownout-facts": "comment"} | (headers or {})).items()
        ]
        self.scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": encoded}

    async def receive(self) -> dict[str, Any]:
        if self._incoming:
            return self._incoming.pop(0)
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        if len(self.sent) == self._hang_up_after:
            self._gone.set()
            await asyncio.sleep(0)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.sent[1:])

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def data(self) -> list[Any]:
        lines = [line[6:] for line in self.body.split(b"\n") if line.startswith(b"data: ")]
        return [line if line == b"[DONE]" else orjson.loads(line) for line in lines]

    @property
    def comments(self) -> list[bytes]:
        return [line for line in self.body.split(b"\n") if line.startswith(b":")]


@pytest.fixture
def gateway(source: Any) -> Callable[..., Gateway]:
    """A gateway whose stack answers with `texts`, or raises `error`."""

    def make(*texts: str, error: Exception | None = None, pause_s: float = 0.0) -> Gateway:
        async def ask(call: Any) -> Reply:
            if error is not None and not texts:
                raise error
            attempt = AttemptFacts(call.id, 1, "primary", "openai", "gpt-4o", 0.0)
            attempt.first_s, attempt.outcome, attempt.cost_nusd = 0.1, "success", 1234
            call.facts.attempts.append(attempt)
            call.facts.cache = "miss"
            return Reply(Delta(texts[0]), source(*texts[1:], error=error, pause_s=pause_s))

        class Closed:
            async def aclose(self) -> None: ...

        return Gateway(Stack(OPTIONS, ask, Closed()), wall_offset_s=1_000_000_000.0)  # type: ignore[arg-type]  # unused client

    return make


async def asked(gateway: Gateway, body: dict[str, Any], **options: Any) -> Client:
    client = Client(orjson.dumps(body), **options)
    await gateway(client.scope, client.receive, client.send)
    return client


async def test_a_whole_reply_with_its_facts_in_headers(gateway: Callable[..., Gateway]) -> None:
    client = await asked(gateway("Hello", " you"), ASK, headers={"x-brownout-call-id": "c7"})
    assert (client.status, client.json["choices"][0]["message"]["content"]) == (200, "Hello you")
    assert client.json["usage"]["total_tokens"] == 22
    facts = {name: value for name, value in client.headers.items() if name.startswith("x-brownout")}
    assert facts == {
        "x-brownout-call-id": "c7",
        "x-brownout-provider": "openai",
        "x-brownout-model": "gpt-4o",
        "x-brownout-cache": "miss",
        "x-brownout-attempts": "1",
        "x-brownout-cost-nusd": "1234",
    }


async def test_a_stream_is_role_text_finish_usage_facts_done(gateway: Callable[..., Gateway]) -> None:
    body = ASK | {"stream": True, "stream_options": {"include_usage": True}}
    client = await asked(gateway("Hello", " you"), body)
    *chunks, done = client.data
    assert done == b"[DONE]"
    assert [chunk["choices"][0]["delta"] for chunk in chunks[:-1]] == [
        {"role": "assistant", "content": "", "refusal": None},
        {"content": "Hello"},
        {"content": " you"},
        {},
    ]
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert (chunks[-1]["choices"], chunks[-1]["usage"]["completion_tokens"]) == ([], 2)
    assert all(chunk["usage"] is None for chunk in chunks[:-1])
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1
    [comment] = client.comments
    assert orjson.loads(comment.removeprefix(b": brownout "))["cost_nusd"] == 1234
    assert client.body.index(comment) < client.body.index(b"[DONE]")


async def test_usage_is_sent_only_if_requested(gateway: Callable[..., Gateway]) -> None:
    client = await asked(gateway("Hello"), ASK | {"stream": True})
    assert not any("usage" in chunk for chunk in client.data[:-1])


async def test_the_first_token_is_not_held_back(gateway: Callable[..., Gateway]) -> None:
    """Regression named after litellm#38689: the proxy held the first byte."""
    client = Client(orjson.dumps(ASK | {"stream": True}))
    serving = asyncio.create_task(
        gateway("first", "second", pause_s=30)(client.scope, client.receive, client.send)
    )
    for _ in range(10):
        await asyncio.sleep(0)
    assert b"first" in client.body
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def test_a_failure_after_the_first_token_never_looks_whole(gateway: Callable[..., Gateway]) -> None:
    broken = ProviderError("connection", "reset", phase="after")
    client = await asked(gateway("Hel", "lo", error=broken), ASK | {"stream": True})
    assert client.data[-1] == {
        "error": {"message": "reset", "type": "upstream_error", "param": None, "code": "connection"}
    }
    assert b"[DONE]" not in client.body
    assert len(client.comments) == 1


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ProviderError("overloaded", "no", status=503), 503, "overloaded"),
        (ProviderError("timeout_first_token", "no"), 504, "timeout_first_token"),
        (ProviderError("connection", "no"), 502, "connection"),
        (ProviderError("bad_request", "no", status=400), 400, "bad_request"),
        (Rejected("rejected_limiter", "no", retry_after_s=2.4), 429, "rejected_limiter"),
        (AllProvidersFailed((("a", ProviderError("overloaded", "no")),)), 503, "all_providers_failed"),
    ],
)
async def test_failures_have_a_status_a_code_and_no_invitation_to_retry(
    gateway: Callable[..., Gateway], error: Exception, status: int, code: str
) -> None:
    """Regression named after litellm#7130: the client's retries must not multiply ours."""
    client = await asked(gateway(error=error), ASK)
    assert (client.status, client.json["error"]["code"]) == (status, code)
    assert client.headers["x-should-retry"] == "false"
    assert ("retry-after" in client.headers) == isinstance(error, Rejected)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{", None),
        (b"[]", None),
        (b"{}", "messages"),
        (b'{"messages": []}', "messages"),
        (b'{"messages": [{"role": "robot", "content": "x"}]}', "messages[0]"),
        (b'{"messages": [{"role": "user", "content": 5}]}', "messages[0].content"),
        (orjson.dumps(ASK | {"max_tokens": "many"}), "max_tokens"),
        (orjson.dumps(ASK | {"max_tokens": 0}), "max_tokens"),
        (orjson.dumps(ASK | {"stream": 1}), "stream"),
        (orjson.dumps(ASK | {"stop": ["a"] * 5}), "stop"),
        (orjson.dumps(ASK | {"n": 2}), "n"),
    ],
)
async def test_the_error_of_an_invalid_request_names_the_field(
    gateway: Callable[..., Gateway], body: bytes, param: str | None
) -> None:
    client = Client(body)
    app = gateway("never")
    await app(client.scope, client.receive, client.send)
    assert (client.status, client.json["error"]["param"]) == (400, param)


async def test_parameters_that_change_nothing_are_welcome(gateway: Callable[..., Gateway]) -> None:
    client = await asked(gateway("Hello"), ASK | {"user": "u", "n": 1, "presence_penalty": 0, "seed": 3})
    assert client.status == 200


async def test_a_client_that_hangs_up_cancels_the_call_at_once(source: Any) -> None:
    """Regression named after bifrost#828: cancelled streams leak."""
    replies: list[Reply] = []

    async def ask(call: Any) -> Reply:
        replies.append(Reply(Delta("first"), source("never", pause_s=30)))
        return replies[0]

    client = Client(orjson.dumps(ASK | {"stream": True}), hang_up_after=2)
    app = Gateway(Stack(OPTIONS, ask, None))  # type: ignore[arg-type]  # the client is not used
    await asyncio.wait_for(app(client.scope, client.receive, client.send), 1)
    assert replies[0].outcome is not None
    assert replies[0].outcome.kind == "abandoned"
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


async def test_a_hang_up_before_the_first_token_cancels_too() -> None:
    cancelled = asyncio.Event()

    async def ask(call: Any) -> Reply:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        raise AssertionError("nobody waits that long")

    client = Client(orjson.dumps(ASK))
    client._gone.set()
    app = Gateway(Stack(OPTIONS, ask, None))  # type: ignore[arg-type]  # the client is not used
    await asyncio.wait_for(app(client.scope, client.receive, client.send), 1)
    assert cancelled.is_set()
    assert client.sent == []


async def test_unknown_paths_and_the_model_list(gateway: Callable[..., Gateway]) -> None:
    client = Client(b"")
    client.scope |= {"path": "/nope"}
    await gateway("x")(client.scope, client.receive, client.send)
    assert client.status == 404
    listing = Client(b"")
    listing.scope |= {"method": "GET", "path": "/v1/models"}
    await gateway("x")(listing.scope, listing.receive, listing.send)
    assert [model["id"] for model in listing.json["data"]] == ["gpt-4o"]
