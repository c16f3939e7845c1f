"""The usage that the gateway reports is complete: our own codec reads the same usage from it."""

from hypothesis import assume, given
from hypothesis import strategies as st

from harness.stack.core.reply import Answer, Delta, Finish, Usage
from harness.stack.gateway.chunks import DONE, ChunkWriter, Identity, completion
from harness.stack.wire.openai.codec import OpenAICodec

IDENTITY = Identity("chatcmpl-1", 1, "gpt-4o")
COUNT = st.integers(0, 3000)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Usage that can be true: the parts are no larger than the whole."""
    cached, written, written_1h, rest = (draw(COUNT) for _ in range(4))
    output = draw(st.integers(1, 3000))
    whole = cached + written + written_1h + rest
    assume(whole)
    reasoning = draw(st.integers(0, output))
    tier = draw(st.sampled_from(["", "flex", "priority"]))
    return Usage(whole, output, cached, written, written_1h, reasoning, tier)


@given(usages())
def test_a_client_of_the_gateway_reads_the_usage_that_the_provider_reported(usage: Usage) -> None:
    """litellm#31759: reasoning tokens and cache writes were missing."""
    whole = completion(IDENTITY, Answer("Hi.", (), Finish("stop", usage)))
    assert OpenAICodec().parse(whole) == [Delta("Hi."), Finish("stop", usage)]
    writer = ChunkWriter(IDENTITY, include_usage=True)
    stream = writer.role() + writer.text("Hi.") + writer.finish(Finish("stop", usage)) + DONE
    assert OpenAICodec().decoder().feed(stream) == [Delta("Hi."), Finish("stop", usage)]
