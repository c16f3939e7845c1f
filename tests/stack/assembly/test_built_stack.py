"""Whole stacks against scripted HTTP: the layers together."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import respx

from harness.spec.shipped import shipped_files
from harness.stack.assembly.options import load_stack_options
from harness.stack.assembly.stack import Stack
from harness.stack.core.call import Call
from harness.stack.core.errors import AllProvidersFailed, ConfigError, ProviderError, Rejected
from harness.stack.core.facts import CallFacts
from harness.stack.core.request import Message
from harness.stack.upstream.endpoint import endpoints_from
from tests.stack.calls import changed

OPENAI = {"provider": "openai", "model": "gpt-4o"}
CLAUDE = {"provider": "anthropic", "model": "claude-sonnet-4-5"}
LLAMA = {"provider": "together", "model": "meta-llama/Llama-3-70b-chat-hf"}
NO_WAIT = {"attempts": 2, "base_s": 0, "cap_s": 0}
OVERLOADED = httpx.Response(503, json={"error": {"message": "overloaded", "code": "server_is_overloaded"}})


def openai_reply(*texts: str, whole: bool = True) -> httpx.Response:
    chunks = [
        {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]} for text in texts
    ]
    usage = {"prompt_tokens": 100, "completion_tokens": 10}
    end: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": usage},
    ]
    body = b"".join(b"data: " + orjson.dumps(chunk) + b"\n\n" for chunk in chunks + (end if whole else []))
    stream = body + (b"data: [DONE]\n\n" if whole else b"")
    return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=stream)


def claude_reply(text: str) -> httpx.Response:
    reply = {
        "type": "message",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 90, "output_tokens": 20},
    }
    return httpx.Response(200, json=reply)


def asks(stack: Stack, id: str = "c1", *, stream: bool = True, **changes: Any) -> Call:
    call = stack.call(id, (Message("system", "Be brief."), Message("user", "Hello?")), now=0.0)
    return changed(call, deadline_s=float("inf"), stream=stream, **changes)


async def test_an_outage_is_retried_then_falls_back_with_an_adapted_prompt(
    web: respx.Router, make_stack: Callable[..., Stack]
) -> None:
    emitted: list[CallFacts] = []
    stack = make_stack(emitted, retry=NO_WAIT, target=[OPENAI, CLAUDE])
    openai = web.post("http://openai.test/v1/chat/completions").mock(return_value=OVERLOADED)
    claude = web.post("http://anthropic.test/v1/messages").mock(return_value=claude_reply("Hi."))
    async with await stack.ask(asks(stack, stream=False, temperature=0.3)) as reply:
        text, _ = await reply.text()
    assert (text, openai.call_count, claude.call_count) == ("Hi.", 2, 1)
    sent = orjson.loads(claude.calls[0].request.content)
    assert (sent["system"], "temperature" in sent) == ("Be brief.", False)
    [facts] = emitted
    kinds = [(a.kind, a.provider, a.outcome, a.error_kind, a.status) for a in facts.attempts]
    assert kinds == [
        ("primary", "openai", "failed", "overloaded", 503),
        ("retry", "openai", "failed", "overloaded", 503),
        ("fallback", "anthropic", "success", None, 200),
    ]
    assert [a.cost_nusd for a in facts.attempts] == [0, 0, 90 * 3_000 + 20 * 15_000]
    assert facts.outcome == "success"


async def test_the_attempt_id_travels_to_the_provider(
    web: respx.Router, make_stack: Callable[..., Stack]
) -> None:
    stack = make_stack(retry=NO_WAIT, target=[OPENAI])
    route = web.post("http://openai.test/v1/chat/completions")
    route.side_effect = [OVERLOADED, openai_reply("Hi.")]
    await (await stack.ask(asks(stack, "c9"))).text()
    assert [call.request.headers["x-client-request-id"] for call in route.calls] == ["c9/1", "c9/2"]


async def test_total_outage_names_every_failure_and_costs_nothing(
    web: respx.Router, make_stack: Callable[..., Stack]
) -> None:
    emitted: list[CallFacts] = []
    stack = make_stack(emitted, target=[OPENAI, CLAUDE, LLAMA])
    web.post("http://openai.test/v1/chat/completions").mock(return_value=OVERLOADED)
    web.post("http://anthropic.test/v1/messages").mock(return_value=httpx.Response(529, json={}))
    web.post("http://together.test/v1/chat/completions").mock(side_effect=httpx.ConnectError("refused"))
    with pytest.raises(AllProvidersFailed) as failed:
        await stack.ask(asks(stack))
    assert [(name, error.kind) for name, error in failed.value.failures] == [
        ("openai", "overloaded"),
        ("anthropic", "overloaded"),
        ("together", "connect"),
    ]
    assert (emitted[0].outcome, emitted[0].error_kind, emitted[0].cost_nusd) == (
        "failed",
        "all_providers_failed",
        0,
    )


async def test_a_stream_cut_after_the_first_token_fails_and_its_cost_is_estimated(
    web: respx.Router, make_stack: Callable[..., Stack]
) -> None:
    """Regression named after litellm#30630: cancelled and cut streams cost $0."""
    emitted: list[CallFacts] = []
    stack = make_stack(emitted, target=[OPENAI])
    web.post("http://openai.test/v1/chat/completions").mock(
        return_value=openai_reply("abcdefgh", whole=False)
    )
    reply = await stack.ask(asks(stack))
    with pytest.raises(ProviderError) as error:
        await reply.text()
    assert (error.value.kind, error.value.phase) == ("truncated", "after")
    [attempt] = emitted[0].attempts
    assert (attempt.outcome, attempt.usage_known, attempt.output_tokens) == ("failed", False, 2)
    assert attempt.cost_nusd == attempt.input_tokens * 2_500 + 2 * 10_000


async def test_a_200_that_is_no_event_stream_is_malformed(
    web: respx.Router, make_stack: Callable[..., Stack]
) -> None:
    stack = make_stack(target=[OPENAI])
    web.post("http://openai.test/v1/chat/completions").mock(
        return_value=httpx.Response(200, html="<h1>Welcome</h1>")
    )
    with pytest.raises(ProviderError) as error:
        await stack.ask(asks(stack))
    assert error.value.kind == "malformed"


async def test_a_cached_answer_asks_nobody_and_costs_nothing(
    web: respx.Router, make_stack: Callable[..., Stack]
) -> None:
    emitted: list[CallFacts] = []
    stack = make_stack(emitted, cache={}, target=[OPENAI])
    route = web.post("http://openai.test/v1/chat/completions").mock(return_value=openai_reply("Hi", "."))
    for id in ("c1", "c2"):
        assert (await (await stack.ask(asks(stack, id))).text())[0] == "Hi."
    assert route.call_count == 1
    assert [(facts.cache, len(facts.attempts)) for facts in emitted] == [("miss", 1), ("exact", 0)]
    assert [facts.cost_nusd for facts in emitted] == [100 * 2_500 + 10 * 10_000, 0]


async def test_our_own_refusal_is_an_attempt_that_was_never_sent(
    web: respx.Router, make_stack: Callable[..., Stack]
) -> None:
    emitted: list[CallFacts] = []
    tight = OPENAI | {"limiter": {"rpm": 1, "burst_s": 60, "max_wait_s": 0}}
    stack = make_stack(emitted, target=[tight])
    route = web.post("http://openai.test/v1/chat/completions").mock(return_value=openai_reply("Hi."))
    await (await stack.ask(asks(stack))).text()
    with pytest.raises(Rejected):
        await stack.ask(asks(stack, "c2"))
    assert route.call_count == 1
    assert emitted[1].outcome == "rejected"
    assert emitted[1].attempts[0].outcome == "rejected"


BAD_STACKS = [
    ("target = []", r"target: tuple should have at least 1 item"),
    ("[retry]\nattemps = 3\n[[target]]\nprovider='openai'\nmodel='gpt-4o'", "retry.attemps: unknown key"),
    ("[[target]]\nprovider='openai'", r"target.0.model: expected a value, found none"),
    ("[[target]]\nprovider='opnai'\nmodel='gpt-4o'", r"target.0.provider: .*'openai', .*got 'opnai'"),
    ("[[target]]\nprovider='openai'\nmodel='a'\n" * 2, "target names must differ"),
    ("[retry", "not valid TOML"),
]


@pytest.mark.parametrize(("text", "complaint"), BAD_STACKS)
def test_a_wrong_stack_file_is_one_line_with_file_key_and_expectation(
    tmp_path: Path, text: str, complaint: str
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=complaint) as error:
        load_stack_options(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["naive", "full"])
async def test_the_stacks_that_come_along_can_be_built(name: str, make_stack: Callable[..., Stack]) -> None:
    options = load_stack_options(shipped_files("stacks")[name])
    stack = make_stack(**options.model_dump(exclude_defaults=True))
    assert stack.options == options
    await stack.aclose()


def test_endpoints_are_read_as_sdks_read_them() -> None:
    found = endpoints_from({"OPENAI_BASE_URL": "http://127.0.0.1:1/v1/", "OPENAI_API_KEY": "sk-1"})
    assert (found["openai"].base_url, found["openai"].api_key) == ("http://127.0.0.1:1/v1", "sk-1")
    assert found["anthropic"].base_url == "https://api.anthropic.com"


async def test_an_attempt_we_gave_up_waiting_for_is_taken_to_cost_its_prompt(
    web: respx.Router, make_stack: Callable[..., Stack]
) -> None:
    async def never(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        raise AssertionError("nobody waits that long")

    emitted: list[CallFacts] = []
    deadlines = {"whole_tokens_per_s": 1e6}
    stack = make_stack(emitted, deadlines=deadlines, target=[OPENAI | {"timeout_s": 0.02}, CLAUDE])
    web.post("http://openai.test/v1/chat/completions").mock(side_effect=never)
    web.post("http://anthropic.test/v1/messages").mock(return_value=claude_reply("Hi."))
    await (await stack.ask(asks(stack, stream=False))).text()
    given_up, answered = emitted[0].attempts
    assert (given_up.error_kind, given_up.usage_known, given_up.output_tokens) == (
        "timeout_whole",
        False,
        0,
    )
    assert given_up.cost_nusd == given_up.input_tokens * 2_500 > 0
    assert answered.usage_known
