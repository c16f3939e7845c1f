"""However odd a reply is, its words and calls are those of the ordinary one, and so is the bill."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_providers.endpoints.protocols import PROTOCOLS as WIRE_PROTOCOLS
from mock_providers.wire.anthropic.codec import AnthropicCodec
from mock_providers.wire.framing import FRAMINGS
from mock_providers.wire.gemini.codec import GeminiCodec
from mock_providers.wire.openai.codec import OpenAICodec
from tests.mock_providers.quirks.odd_replies import CALLS, PROTOCOLS, Fault, answered, variant_faults

ODD = variant_faults("odd_chunk", "odd_usage", "odd_framing")
ODD_CALLS = variant_faults("odd_tool_call")
every_protocol = pytest.mark.parametrize("provider", PROTOCOLS)
both_modes = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])


def name(fault: Fault) -> str:
    return f"{fault['kind']}-{fault['variant']}"


@every_protocol
@both_modes
@pytest.mark.parametrize("fault", ODD, ids=name)
def test_an_odd_reply_has_the_words_and_the_bill_of_an_ordinary_one(
    fault: Fault, provider: str, stream: bool
) -> None:
    usual, odd = answered(provider, stream=stream), answered(provider, fault, stream=stream)
    assert len(usual.text) > 100
    assert odd.text == usual.text
    assert odd.cost_nusd == usual.cost_nusd > 0
    assert odd.decision.plan.fault == fault["kind"]


@every_protocol
@both_modes
@pytest.mark.parametrize("fault", ODD + ODD_CALLS, ids=name)
def test_an_odd_reply_has_the_calls_of_an_ordinary_one(fault: Fault, provider: str, stream: bool) -> None:
    usual = answered(provider, stream=stream, prompt=CALLS, tools=True)
    odd = answered(provider, fault, stream=stream, prompt=CALLS, tools=True)
    assert [called for called, _ in usual.calls] == ["get_weather", "read_clock"]
    assert odd.calls == usual.calls


@given(
    faults=st.lists(st.sampled_from(ODD + ODD_CALLS), min_size=2, max_size=4),
    provider=st.sampled_from(PROTOCOLS),
    stream=st.booleans(),
    tools=st.booleans(),
    tokens=st.integers(0, 12),
)
def test_several_oddities_at_once_lose_nothing_either(
    faults: list[Fault], provider: str, stream: bool, tools: bool, tokens: int
) -> None:
    prompt = CALLS if tools else f"in about {tokens} tokens"
    usual = answered(provider, stream=stream, prompt=prompt, tools=tools)
    odd = answered(provider, *faults, stream=stream, prompt=prompt, tools=tools)
    assert (odd.text, odd.calls) == (usual.text, usual.calls)


def test_every_variant_is_an_edit_or_a_framing_of_some_protocol() -> None:
    prefixes = {"odd_chunk": "", "odd_framing": "", "odd_usage": "usage_", "odd_tool_call": "tools_"}
    asked = {prefixes[fault["kind"]] + fault["variant"] for fault in ODD + ODD_CALLS}
    codecs = (OpenAICodec, AnthropicCodec, GeminiCodec)
    assert asked == {key for codec in codecs for key in codec.edits} | FRAMINGS.keys() | {"split"}
    assert set(WIRE_PROTOCOLS) == {*PROTOCOLS, "together"}


@pytest.mark.parametrize("fault", ODD + ODD_CALLS, ids=name)
def test_every_variant_changes_the_bytes_of_some_protocol(fault: Fault) -> None:
    """All but "split", whose bytes are the same in other parts."""

    def changes(provider: str, *, stream: bool) -> bool:
        prompt, tools = (CALLS, True) if fault["kind"] == "odd_tool_call" else ("in about 9 tokens", False)
        usual = answered(provider, stream=stream, prompt=prompt, tools=tools)
        return answered(provider, fault, stream=stream, prompt=prompt, tools=tools).raw != usual.raw

    assert any(changes(each, stream=True) for each in PROTOCOLS) is (fault["variant"] != "split")
