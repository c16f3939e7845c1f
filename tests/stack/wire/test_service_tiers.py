"""The service tier that a reply names reaches its usage; a target's own tier reaches the provider."""

from typing import Any

import orjson
import pytest

from harness.stack.core.reply import Finish
from harness.stack.core.target import Target
from harness.stack.wire.anthropic.codec import AnthropicCodec
from harness.stack.wire.codec import Codec, StreamDecoder
from harness.stack.wire.openai.codec import OpenAICodec
from tests.stack.conftest import a_call

NAMES = [("priority", "priority"), ("flex", "flex"), ("batch", "batch"), ("default", ""), ("standard", "")]
ODD: list[Any] = [None, 7, [], {}]


def chunk(**fields: Any) -> bytes:
    return b"data: " + orjson.dumps(fields) + b"\n\n"


def openai_stream(tier: Any) -> bytes:
    said = [{"index": 0, "delta": {"content": "Hi."}, "finish_reason": "stop"}]
    usage = {"prompt_tokens": 9, "completion_tokens": 2}
    first = chunk(choices=said, service_tier=tier)
    return first + chunk(choices=[], usage=usage) + b"data: [DONE]\n\n"


def anthropic_stream(tier: Any) -> bytes:
    usage = {"input_tokens": 9, "output_tokens": 1, "service_tier": tier}
    delta = {"type": "text_delta", "text": "Hi."}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"usage": usage}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ]
    return b"".join(b"event: %s\n%s" % (event["type"].encode(), chunk(**event)) for event in events)


def tier_of(events: list[Any]) -> str:
    finish = events[-1]
    assert isinstance(finish, Finish)
    assert finish.usage is not None
    return finish.usage.service_tier


@pytest.mark.parametrize(("named", "tier"), [*NAMES, *((odd, "") for odd in ODD)])
def test_the_tier_of_a_stream_is_the_one_that_it_names(named: Any, tier: str) -> None:
    """litellm#31837: asked for priority, served and named default, billed as priority."""
    streams: list[tuple[StreamDecoder, bytes]] = [
        (OpenAICodec().decoder(), openai_stream(named)),
        (AnthropicCodec().decoder(), anthropic_stream(named)),
    ]
    for decoder, received in streams:
        assert tier_of(decoder.feed(received)) == tier
        assert decoder.service_tier == tier


@pytest.mark.parametrize(("named", "tier"), [*NAMES, *((odd, "") for odd in ODD)])
def test_the_tier_of_a_whole_reply_is_the_one_that_it_names(named: Any, tier: str) -> None:
    choice = {"message": {"content": "Hi."}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 9, "completion_tokens": 2}
    gpt = {"choices": [choice], "usage": usage, "service_tier": named}
    assert tier_of(OpenAICodec().parse(orjson.dumps(gpt))) == tier
    claude = {
        "content": [{"type": "text", "text": "Hi."}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 9, "output_tokens": 2, "service_tier": named},
    }
    assert tier_of(AnthropicCodec().parse(orjson.dumps(claude))) == tier


def test_a_stream_that_breaks_has_told_its_tier() -> None:
    decoder = OpenAICodec().decoder()
    decoder.feed(openai_stream("priority").split(b"\n\n")[0] + b"\n\n")
    assert (decoder.service_tier, decoder.reported_usage) == ("priority", None)


def test_a_targets_own_tier_is_asked_for_and_nothing_without_one() -> None:
    asking: list[tuple[Codec, str]] = [(OpenAICodec(), "flex"), (AnthropicCodec(), "standard_only")]
    for codec, tier in asking:
        target = Target("t", "openai", "m", service_tier=tier)
        asked = orjson.loads(codec.request(a_call(target=target), "key").body)
        assert asked["service_tier"] == tier
        assert "service_tier" not in orjson.loads(codec.request(a_call(), "key").body)
