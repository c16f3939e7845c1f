"""An unfit target is never tried, and the reason is reported."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.stack.core.call import Call
from harness.stack.core.eligibility import unsuitable
from harness.stack.core.errors import AllProvidersFailed, Rejected
from harness.stack.core.media.media import Media
from harness.stack.core.reply import ToolCall
from harness.stack.core.request import Message, Tool
from harness.stack.core.target import Target
from harness.stack.core.tokens import call_tokens
from harness.stack.resilience.fallback import Fallback
from tests.stack.calls import changed

LLAMA = Target("llama", "together", "llama-3", context_tokens=100)
LOOK = Tool("look", "Look at it.", {"type": "object", "properties": {"at": {"type": "string"}}})
CALLED = (
    Message("user", "Look!"),
    Message("assistant", "", (ToolCall("c1", "look", "{}"),)),
    Message("tool", "A cat.", tool_call_id="c1"),
)
PICTURE = Message("user", "See", media=(Media("image", "https://a.example/b.png"),))
UNFIT: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"tools": False}, {"tools": (LOOK,)}, "llama-3 calls no tools"),
    ({"tools": False}, {"messages": CALLED}, "llama-3 calls no tools"),
    ({"json": False}, {"json_schema": {}}, "llama-3 does not reply in JSON"),
    ({"prefill": False}, {"prefill": "Once"}, "llama-3 does not go on from a partial answer"),
    ({"region": "us"}, {"residency": "eu"}, "the call must stay in eu, llama is in us"),
    ({}, {"residency": "eu"}, "the call must stay in eu, llama is in no known region"),
    ({}, {"stop": ("a", "b", "c", "d", "e")}, "together takes 4 stop sequences, the call has 5"),
    ({}, {"messages": (Message("user", "x" * 400),)}, "the prompt has about 107 tokens, llama-3 takes 100"),
    ({"media": ()}, {"messages": (PICTURE,)}, "llama-3 takes no image input"),
    (
        {"provider": "anthropic", "media": ("image", "document")},
        {"messages": (Message("user", "See", media=(Media("document", file_id="file-1"),)),)},
        "llama-3 takes no files uploaded elsewhere",
    ),
    (
        {"provider": "openai", "media": ("image", "document")},
        {"messages": (Message("user", "See", media=(Media("document", "https://a.example/b.pdf"),)),)},
        "llama-3 takes no files by their address",
    ),
    ({}, {"tools": (Tool("look", "x" * 400),)}, "the prompt has about 121 tokens, llama-3 takes 100"),
]


@pytest.mark.parametrize(("lacks", "asks", "reason"), UNFIT)
def test_why_a_target_cannot_take_a_call_is_a_sentence(
    lacks: dict[str, Any], asks: dict[str, Any], reason: str, call: Callable[..., Call]
) -> None:
    assert unsuitable(changed(call(), **asks), replace(LLAMA, **lacks)) == reason


@pytest.mark.parametrize(
    ("has", "asks"),
    [
        ({"tools": False}, {"tools": (LOOK,), "tool_choice": "none"}),
        ({"region": "eu"}, {"residency": "eu"}),
        ({"region": "eu"}, {}),
        ({"provider": "anthropic"}, {"stop": ("a", "b", "c", "d", "e")}),
    ],
)
def test_what_a_call_does_not_need_a_target_need_not_have(
    has: dict[str, Any], asks: dict[str, Any], call: Callable[..., Call]
) -> None:
    assert unsuitable(changed(call(), **asks), replace(LLAMA, **has)) is None


@pytest.mark.parametrize(
    "longer",
    [{"tools": (LOOK,)}, {"json_schema": {"type": "object"}}, {"messages": CALLED}, {"prefill": "x"}],
)
def test_everything_that_is_sent_counts_as_prompt(longer: dict[str, Any], call: Callable[..., Call]) -> None:
    assert call_tokens(changed(call(), **longer)) > call_tokens(call())


async def test_the_unfit_are_passed_over_and_told_beside_those_who_failed(
    call: Callable[..., Call], scripted: Any
) -> None:
    plain = replace(LLAMA, name="plain", model="plain-1", tools=False)
    american = replace(LLAMA, name="american", region="us")
    inner = scripted()
    with pytest.raises(AllProvidersFailed) as failed:
        await Fallback((plain, american))(changed(call(), tools=(LOOK,), residency="eu"), inner)
    assert inner.calls == []
    assert [(name, error.kind) for name, error in failed.value.failures] == [
        ("plain", "rejected_unsuitable"),
        ("american", "rejected_unsuitable"),
    ]
    assert "the call must stay in eu, american is in us" in str(failed.value)


async def test_the_only_target_being_unfit_is_our_refusal(call: Callable[..., Call], scripted: Any) -> None:
    with pytest.raises(Rejected, match="calls no tools"):
        await Fallback((replace(LLAMA, tools=False),))(changed(call(), tools=(LOOK,)), scripted())
