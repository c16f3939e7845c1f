"""Bugs about what a call cost when its reply did not end as replies do."""

import asyncio
import re
from typing import Any

import pytest

from harness.stack.core.errors import ProviderError
from mock_providers.exchange.tokens import count
from tests.lab.body_edits import BodyEdit
from tests.lab.lab import GAP_S, TTFT_S, Lab, play, target
from tests.lab.providers import CHAIN_PROVIDERS, NUSD
from tests.lab.received import Received

LEAVE_AFTER = 7
"""So many words come before the caller leaves or the reply breaks."""
FAIL: dict[str, Any] = {"fallback": {"after_first_token": "fail"}}
CACHING = {"prompt_cache": {"kind": "automatic"}}
CACHED_PRICE = {"input": "2.50", "output": "10", "cached_input": "1.25"}

every_provider = pytest.mark.parametrize("provider", CHAIN_PROVIDERS)


def usage_moved(behind: bytes) -> BodyEdit:
    """The usage is in the last chunk that ends with `behind`, instead of in one without choices."""

    def edit(body: bytes) -> bytes:
        *before, last = body.split(b"data: ")
        if not last.startswith(b"[DONE]"):
            return body
        *chunks, usage_chunk = before
        found = re.search(rb'"choices":\[\],("usage":\{.*\})\}', usage_chunk)
        assert found is not None
        at = max(n for n, chunk in enumerate(chunks) if behind in chunk)
        chunks[at] = chunks[at].replace(b'"usage":null', found[1])
        return b"data: ".join([*chunks, last])

    return edit


@pytest.mark.parametrize(
    "behind", [b'"finish_reason":"stop"', b'"delta":{"content":'], ids=["finish", "last words"]
)
def test_usage_in_a_last_chunk_that_has_choices_is_not_dropped(behind: bytes) -> None:
    """litellm#36168: usage was read from a chunk without choices only; elsewhere it was dropped.

    Of the prompt's price half is due when it comes from the provider's cache, which only the usage tells.
    """

    async def scene(lab: Lab) -> None:
        lab.system = "Be brief. " * 600
        for id in ("c1", "c2"):
            answer = await lab.ask(id)
            assert answer.finish.usage is not None
            assert (count(answer.text), answer.finish.usage.output_tokens) == (40, 40)
        options = {"include_usage": True}
        received = await lab.ask_gateway(Received(), "c3", stream_options=options)
        await lab.drain()
        [usage_line] = [line for line in received.lines if b'"prompt_tokens"' in line]
        assert [attempt.usage_known for attempt in lab.attempts] == [True, True, True]
        cached = [row.cached_input_tokens for row in lab.rows]
        assert [attempt.cached_input_tokens for attempt in lab.attempts] == cached
        assert (cached[0], cached[1]) == (0, cached[2])
        assert cached[1] >= 1024
        assert b'"cached_tokens":%d' % cached[2] in usage_line
        lab.assert_paid_exactly()

    caching = {"openai": CACHING | {"price": CACHED_PRICE}}
    play(scene, target=[target("openai")], models=caching, edits={"openai": usage_moved(behind)})


@every_provider
def test_a_stream_cancelled_by_the_client_costs_what_had_been_sent(provider: str) -> None:
    """litellm#30630: a stream that its client cancelled was on the books with $0."""

    async def scene(lab: Lab) -> None:
        received = await lab.ask_gateway(Received(), leave_after=LEAVE_AFTER)
        await lab.drain()
        assert count(received.text) == LEAVE_AFTER
        [facts] = lab.facts
        [attempt] = facts.attempts
        assert (facts.outcome, attempt.outcome, attempt.usage_known) == ("abandoned", "abandoned", False)
        row = lab.row(attempt)
        assert (row.ended, row.output_tokens, row.planned_output_tokens) == ("client_closed", LEAVE_AFTER, 40)
        assert attempt.output_tokens == LEAVE_AFTER
        input_nusd, output_nusd = NUSD[provider]
        assert facts.cost_nusd == row.input_tokens * input_nusd + LEAVE_AFTER * output_nusd
        lab.assert_paid_exactly()

    play(scene, target=[target(provider)])


@pytest.mark.parametrize("how", ["the provider resets", "the client leaves"])
def test_an_interrupted_stream_costs_more_than_the_one_token_it_began_with(how: str) -> None:
    """litellm#39893: an interrupted stream was billed as one token out.

    Anthropic's first event says `output_tokens: 1`; what came after it has to be counted.
    """

    async def scene(lab: Lab) -> None:
        reply = await lab.begin()
        async with reply:
            if how == "the client leaves":
                for _ in range(LEAVE_AFTER):
                    await anext(reply)
            else:
                with pytest.raises(ProviderError) as failed:
                    await reply.answer()
                assert count(failed.value.partial) == LEAVE_AFTER
                assert failed.value.cost_nusd == lab.facts[0].cost_nusd
        await lab.drain()
        [facts] = lab.facts
        assert facts.outcome == ("abandoned" if how == "the client leaves" else "failed")
        [attempt] = facts.attempts
        row = lab.row(attempt)
        assert row.ended == ("client_closed" if how == "the client leaves" else "reset")
        assert (attempt.output_tokens, row.output_tokens) == (LEAVE_AFTER, LEAVE_AFTER)
        lab.assert_paid_exactly(at_least_nusd=LEAVE_AFTER * NUSD["anthropic"][1])

    faults = [] if how == "the client leaves" else [{"kind": "reset", "after_chunks": LEAVE_AFTER}]
    play(scene, target=[target("anthropic")], faults=faults, **FAIL)


@every_provider
@pytest.mark.parametrize("drips", [False, True], ids=["before the headers", "in the body"])
def test_a_client_that_leaves_a_whole_reply_pays_what_the_provider_bills(provider: str, drips: bool) -> None:
    """litellm#13245: when the client left a call that does not stream, no more was logged than was known
    before the call, and the provider's bill was another.

    What is billed of such a reply: its prompt, and what had been sent, which is nothing until it is whole.
    """

    async def scene(lab: Lab) -> None:
        asking = asyncio.create_task(lab.ask_gateway(Received(), stream=False))
        made_s = TTFT_S + 39 * GAP_S
        leave_s = made_s + 3.3 if drips else made_s - 0.01
        await asyncio.sleep(leave_s)
        assert lab.app.in_flight == 1
        asking.cancel()
        await asyncio.wait([asking])
        await lab.drain()
        [facts] = lab.facts
        [attempt] = facts.attempts
        row = lab.row(attempt)
        assert (facts.outcome, attempt.outcome, attempt.usage_known) == ("abandoned", "abandoned", False)
        assert facts.end_s == pytest.approx(leave_s)
        assert (row.status, row.ended) == (200 if drips else 0, "client_closed")
        assert row.input_tokens == attempt.input_tokens > 0
        lab.assert_paid_exactly()

    faults = [{"kind": "slow_drip", "gap_s": 1.0}] if drips else []
    play(scene, target=[target(provider)], faults=faults)
