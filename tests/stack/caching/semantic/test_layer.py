"""The semantic cache as a layer: who is served whose answer, and what is learned from the others."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stack.caching.exact import CacheOptions, ExactCache
from harness.stack.caching.semantic.agreement import AnswerComparison
from harness.stack.caching.semantic.embedding.embedder import Vectors
from harness.stack.caching.semantic.embedding.ngrams import NgramEmbedder
from harness.stack.caching.semantic.layer import SemanticCache, SemanticCacheOptions
from harness.stack.core.background import Background
from harness.stack.core.call import Call, Next, stack
from harness.stack.core.errors import ConfigError, ProviderError
from harness.stack.core.facts import CallFacts
from harness.stack.core.reply import Delta, Event, Finish, Reply, ToolDelta, replay
from harness.stack.core.request import Message, Tool
from harness.virtual import run_virtual
from tests.stack.calls import make_call

PLAIN: dict[str, Any] = {"policy": "plain", "threshold": 0.8, "audit_share": 0.0}
ASKED, TYPO = "When will my new card arrive?", "When wil my new card arive?"


class Provider:
    """Answers every question by `say`, after a second, and counts."""

    def __init__(self, say: Callable[[Call], str] = lambda call: f"answer to {call.id}") -> None:
        self._say = say
        self.calls: list[Call] = []
        self.events: tuple[Event, ...] | None = None

    async def __call__(self, call: Call) -> Reply:
        self.calls.append(call)
        await asyncio.sleep(1)
        events = self.events or (Delta(self._say(call)), Finish("stop", None))
        return Reply(events[0], replay(events[1:]))


class World:
    """A semantic cache before a provider."""

    def __init__(self, say: Callable[[Call], str] | None = None, **options: Any) -> None:
        self.provider = Provider() if say is None else Provider(say)
        self.background = Background()
        compare: AnswerComparison | None = options.pop("compare_answers", None)
        self.cache = SemanticCache(
            SemanticCacheOptions(**(PLAIN | options)),
            NgramEmbedder(256),
            self.background,
            compare_answers=compare,
        )
        self.ask: Next = stack(self.cache, send=self.provider)
        self.asked = 0

    async def __call__(self, text: str, **fields: Any) -> tuple[str, CallFacts]:
        self.asked += 1
        id = f"c{self.asked}"
        messages = fields.pop("messages", (Message("user", text),))
        call = make_call(id, messages, facts=CallFacts(id), **fields)
        said, _ = await (await self.ask(call)).text()
        return said, call.facts


def played(work: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await work()

    run_virtual(whole())


def test_a_paraphrase_gets_the_answer_at_once_and_says_so() -> None:
    async def main() -> None:
        world, loop = World(), asyncio.get_running_loop()
        first, facts = await world(ASKED)
        assert (facts.cache, facts.cache_similarity) == ("miss", None)
        before = loop.time()
        again, facts = await world(TYPO)
        assert (again, facts.cache, facts.cache_audit, loop.time()) == (first, "semantic", "", before)
        assert facts.cache_similarity == pytest.approx(0.8, abs=0.2)
        assert len(world.provider.calls) == 1

    played(main)


OTHERS: list[dict[str, Any]] = [
    {"tenant": "other"},
    {"model": "other"},
    {"messages": (Message("system", "Be rude."), Message("user", ASKED))},
    {"messages": (Message("user", "Hi"), Message("assistant", "Hello"), Message("user", ASKED))},
    {"tools": (Tool("look"),)},
    {"temperature": 0.5},
    {"max_tokens": 5},
    {"json_schema": {}},
    {"residency": "eu"},
]


@pytest.mark.parametrize("other", OTHERS, ids=lambda other: next(iter(other)))
def test_only_the_question_may_differ(other: dict[str, Any]) -> None:
    """Regressions named after semantic-router#2134 (another user's answer served), bifrost#5769 (hits across
    tenants) and semantic-router#3423 (system prompt and tools ignored).
    """

    async def main() -> None:
        world = World(threshold=-1.0)
        await world(ASKED)
        assert (await world(ASKED, **other))[1].cache == "miss"
        assert (await world(ASKED, **other))[1].cache == "semantic"

    played(main)


TEXTS = [ASKED, TYPO, "Where is my card?", "Where is my cat?", "How do I close it?"]
CALLS = st.tuples(
    st.sampled_from("abc"), st.sampled_from(TEXTS), st.sampled_from(["use", "refresh", "bypass"])
)


@pytest.mark.parametrize("policy", ["plain", "gated", "verified"])
@given(calls=st.lists(CALLS, max_size=40), threshold=st.sampled_from([-1.0, 0.5, 0.9]))
@settings(max_examples=15)
def test_no_answer_ever_crosses_tenants(
    policy: str, calls: list[tuple[str, str, Any]], threshold: float
) -> None:
    async def main() -> None:
        options = {
            "policy": policy,
            "threshold": threshold,
            "delta": 0.9,
            "max_entries": 7,
            "audit_share": 0.5,
        }
        world = World(lambda call: f"for {call.caller.tenant} only", **options)
        for tenant, text, use in calls:
            said, _ = await world(text, tenant=tenant, cache=use)
            assert said == f"for {tenant} only"
        await world.background.aclose()

    played(main)


@pytest.mark.parametrize(("temperature", "calls"), [(None, 1), (0.7, 1), (0.7000001, 2)])
def test_calls_up_to_the_maximal_temperature_are_cached(temperature: float | None, calls: int) -> None:
    async def main() -> None:
        world = World(threshold=-1.0, max_temperature=0.7)
        await world(ASKED, temperature=temperature)
        await world(ASKED, temperature=temperature)
        assert len(world.provider.calls) == calls

    played(main)


@pytest.mark.parametrize(
    "fields",
    [
        {"cache": "bypass"},
        {"temperature": 1.5},
        {"prefill": "Well,"},
        {"messages": (Message("user", ASKED), Message("assistant", "Well,"))},
        {"messages": (Message("user", " "),)},
        {"messages": (Message("user", ASKED * 100),)},
    ],
)
def test_calls_that_cannot_be_compared_bypass_the_cache(fields: dict[str, Any]) -> None:
    async def main() -> None:
        world = World(threshold=-1.0)
        await world(ASKED, **fields)
        await world(ASKED, **fields)
        assert len(world.provider.calls) == 2
        assert len(world.cache) == 0

    played(main)


def test_a_refresh_leaves_an_answer_and_takes_none() -> None:
    async def main() -> None:
        world = World()
        await world(ASKED)
        said, facts = await world(ASKED, cache="refresh")
        assert (said, facts.cache) == ("answer to c2", "miss")

    played(main)


@pytest.mark.parametrize(
    "events",
    [
        (Delta("half"), Finish("length", None)),
        (ToolDelta(0, "t1", "look", "{}"), Finish("tool_calls", None)),
        (Delta("I look."), ToolDelta(0, "t1", "look", "{}"), Finish("stop", None)),
    ],
)
def test_only_whole_answers_in_text_are_kept(events: tuple[Event, ...]) -> None:
    async def main() -> None:
        world = World()
        world.provider.events = events
        await world(ASKED)
        assert (await world(ASKED))[1].cache == "miss"

    played(main)


def test_an_answer_left_half_read_is_not_kept() -> None:
    async def main() -> None:
        world = World()
        reply = await world.ask(make_call("c", (Message("user", ASKED),)))
        await reply.aclose()
        assert (await world(ASKED))[1].cache == "miss"

    played(main)


def test_answers_are_forgotten_in_time_and_make_room() -> None:
    """Regression named after litellm#12685: memory grows."""

    async def main() -> None:
        world = World(ttl_s=60.0, max_entries=3)
        for n in range(50):
            await world(f"{chr(97 + n % 26) * 9} number {n}?", tenant=str(n % 5))
            assert len(world.cache) <= 3
        await asyncio.sleep(61)
        await world(ASKED)
        assert len(world.cache) == 1

    played(main)


def test_not_everything_hits_one_entry() -> None:
    """Regression named after litellm#12234: every question hit the first entry."""

    async def main() -> None:
        world = World()
        answers = {text: (await world(text))[0] for text in TEXTS[2:]}
        for text, answer in answers.items():
            assert (await world(text))[0] == answer

    played(main)


def test_a_negation_is_another_question_for_the_gate() -> None:
    """Regression named after GPTCache#694: negations score 0.83-0.9997."""

    async def main() -> None:
        asked, negated = "Is it safe to eat raw cashew nuts?", "Is it not safe to eat raw cashew nuts?"
        for policy, cache in (("plain", "semantic"), ("gated", "miss")):
            world = World(policy=policy)
            await world(asked)
            _, facts = await world(negated)
            assert facts.cache == cache
            assert facts.cache_similarity is not None
            assert facts.cache_similarity > 0.8

    played(main)


class Failing:
    dimensions = 256

    async def embed(self, texts: Sequence[str], facts: CallFacts | None = None) -> Vectors:
        raise ProviderError("overloaded", "no vectors today")


def test_a_failing_embedder_costs_a_hit_and_nothing_else() -> None:
    async def main() -> None:
        provider = Provider()
        cache = SemanticCache(SemanticCacheOptions(**PLAIN), Failing())
        for _ in range(2):
            call = make_call("c", (Message("user", ASKED),))
            assert (await (await cache(call, provider)).text())[0] == "answer to c"
            assert (call.facts.cache, call.facts.cache_similarity) == ("miss", None)

    played(main)


@pytest.mark.parametrize(("answers", "verdict"), [(["same"], "agreed"), (["one", "other"], "disagreed")])
def test_an_audited_hit_asks_the_provider_behind_the_callers_back(answers: list[str], verdict: str) -> None:
    async def main() -> None:
        said = iter(answers * 2)
        world = World(lambda call: next(said), audit_share=1.0)
        await world(ASKED)
        before = asyncio.get_running_loop().time()
        answer, facts = await world(TYPO)
        assert (answer, asyncio.get_running_loop().time()) == (answers[0], before)
        assert (facts.cache, facts.cache_audit) == ("semantic", "pending")
        over: list[str] = []
        facts.when_over(lambda: over.append(facts.cache_audit))
        assert over == []
        await asyncio.sleep(2)
        assert over == [verdict]
        audit = world.provider.calls[-1]
        assert (audit.attempt.kind, audit.caller.priority, audit.facts) == ("audit", "batch", facts)
        assert len(world.cache) == 2

    played(main)


def test_an_audit_instead_gives_the_providers_own_answer() -> None:
    async def main() -> None:
        world = World(audit_share=1.0, audit="instead")
        await world(ASKED)
        answer, facts = await world(TYPO)
        assert (answer, facts.cache, facts.cache_audit) == ("answer to c2", "miss", "disagreed")

    played(main)


def test_an_audit_that_fails_says_so_and_harms_nobody() -> None:
    async def main() -> None:
        world = World(audit_share=1.0)
        await world(ASKED)

        async def broken(call: Call) -> Reply:
            raise ProviderError("overloaded", "")

        call = make_call("c", (Message("user", ASKED),))
        assert (await (await world.cache(call, broken)).text())[0] == "answer to c1"
        await asyncio.sleep(1)
        assert (call.facts.cache, call.facts.cache_audit) == ("semantic", "failed")

    played(main)


def test_about_the_share_that_was_asked_for_is_audited() -> None:
    async def main() -> None:
        world = World(audit_share=0.2)
        await world(ASKED)
        for _ in range(300):
            await world(TYPO)
        await asyncio.sleep(2)
        assert 35 <= len(world.provider.calls) - 1 <= 85

    played(main)


def the_same(one: Any, other: Any) -> bool:
    return bool(one.text.split(":")[0] == other.text.split(":")[0])


def taught(world: World, rounds: int) -> Callable[[], Awaitable[list[CallFacts]]]:
    """Ten topics, asked in many ways; the last rounds' facts."""
    topics = ["lost card", "top up limit", "exchange rate", "refund delay", "pin blocked"]
    topics += ["close account", "foreign fees", "joint account", "cash machine", "virtual card"]
    ways = ["what about {}?", "tell me of {}", "i need help with {}", "{} please", "question: {}"]

    async def ask() -> list[CallFacts]:
        draws = np.random.default_rng(5)
        facts = []
        for _ in range(rounds):
            topic, way = topics[draws.integers(10)], ways[draws.integers(5)]
            facts.append((await world(way.format(topic) + " " * int(draws.integers(3))))[1])
        return facts

    return ask


@pytest.mark.parametrize("audit", ["behind", "instead"])
def test_verified_learns_from_the_calls_that_go_by_and_then_serves(audit: str) -> None:
    async def main() -> None:
        def say(call: Call) -> str:
            return " ".join(
                sorted(word for word in call.request.messages[-1].content.split() if len(word) > 5)
            )

        world = World(say, policy="verified", delta=0.1, audit_share=0.1, audit=audit)
        facts = await taught(world, 600)()
        await world.background.aclose()
        assert all(each.cache == "miss" for each in facts[:29])
        assert sum(each.cache == "semantic" for each in facts[300:]) > 100

    played(main)


def test_verified_serves_nothing_while_no_two_answers_agree() -> None:
    async def main() -> None:
        world = World(policy="verified", delta=0.1)
        facts = await taught(world, 300)()
        assert {each.cache for each in facts} == {"miss"}

    played(main)


def test_the_comparison_of_answers_can_be_ones_own() -> None:
    async def main() -> None:
        def say(call: Call) -> str:
            return f"{call.request.messages[-1].content.strip()[-9:-2]}: {call.id}"

        world = World(say, policy="verified", delta=0.2, compare_answers=the_same)
        facts = await taught(world, 400)()
        await world.background.aclose()
        assert any(each.cache == "semantic" for each in facts)

    played(main)


def test_what_it_answered_is_not_kept_by_the_exact_cache() -> None:
    async def main() -> None:
        world = World()
        for flight in (True, False):
            ask = stack(
                ExactCache(CacheOptions(single_flight=flight), world.background),
                world.cache,
                send=world.provider,
            )
            caches = []
            for text in (ASKED, TYPO, TYPO, ASKED):
                call = make_call("c", (Message("user", text),), CallFacts("c"))
                await (await ask(call)).text()
                caches.append(call.facts.cache)
            assert caches[1:] == ["semantic", "semantic", "exact" if flight else "semantic"]

    played(main)


def test_a_stale_answer_is_made_anew_by_the_provider() -> None:
    async def main() -> None:
        world = World()
        exact = ExactCache(CacheOptions(ttl_s=10, stale_s=100), world.background)
        ask = stack(exact, world.cache, send=world.provider)
        for pause_s in (0, 20, 5):
            await asyncio.sleep(pause_s)
            call = make_call("c", (Message("user", ASKED),))
            await (await ask(call)).text()
        assert len(world.provider.calls) == 2

    played(main)


def test_the_same_calls_meet_the_same_fate() -> None:
    fates: list[list[Any]] = []

    async def main() -> None:
        def say(call: Call) -> str:
            return call.request.messages[-1].content[-9:]

        world = World(say, policy="verified", delta=0.2, audit_share=0.3)
        facts = await taught(world, 300)()
        await world.background.aclose()
        fates.append([(each.cache, each.cache_similarity, each.cache_audit) for each in facts])

    played(main)
    played(main)
    assert fates[0] == fates[1]


def test_an_index_that_is_not_installed_is_named_when_the_stack_is_built(monkeypatch: Any) -> None:
    monkeypatch.setitem(__import__("sys").modules, "usearch.index", None)
    with pytest.raises(ConfigError, match=r"max_entries.*brownout\[usearch\]"):
        World(max_entries=100_001)
