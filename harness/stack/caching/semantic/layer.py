"""Semantic cache: a question gets the answer of another one that means the same, if that is safe to say.

What is compared is the text of the last message, the user's, with those of the same partition (`memory.py`).
Only whole answers in plain text are kept: a call of a tool is an action, not an answer. Every call that goes
on to the provider teaches the policy what would have been right; of the hits, which do not, a share is
audited: the provider is asked all the same, behind the caller's back or instead of the cache, and the answers
are compared. An audited hit stands for all of them, as an observation and as a new entry.

An embedder that fails costs the call a hit, nothing else.
"""

import asyncio
from math import inf
from typing import Literal

from pydantic import Field

from ...core.background import Background
from ...core.call import Call, Next
from ...core.draws import uniform
from ...core.errors import StackError
from ...core.reply import Answer, Delta, Event, Finish, Outcome, Reply, replay
from .agreement import Agreement, Agrees, Said
from .embedding.embedder import Embedder
from .gate import signature
from .index import make_index
from .memory import Asked, Match, Memory, partition_key
from .policy import PolicyOptions, policy_of

REFIT_CALLS = 50
REFIT_SHARE = 0.05
"""The policy learns anew when so many calls, and this share of all entries, have come since it last did."""


class SemanticCacheOptions(PolicyOptions):
    """`embedder` "ngrams": hashed n-grams, of `dimensions` 1,024; "minilm": all-MiniLM-L6-v2 in this process;
    "api": `embedding_model` ("text-embedding-3-small") of `embedding_provider` ("openai"), which may take
    `embedding_timeout_s` 1 second.

    `audit_share` 0.05 of the hits are audited, "behind" the caller's back or "instead" of the cache
    (`audit`). `ttl_s` 3,600 seconds, `max_entries` 10,000 and `max_chars` 50 million of all answers, the
    least recently used go first. Questions longer than `max_question_chars` (2,000) are mostly context, and
    are not compared; nor is what asks for a temperature above `max_temperature` (1.0).

    `same_answer` "text": answers agree if their texts do, but for case and white space; "first_sentence": if
    that does.
    """

    embedder: Literal["ngrams", "minilm", "api"] = "ngrams"
    dimensions: int | None = Field(default=None, ge=1)
    embedding_provider: Literal["openai", "together"] = "openai"
    embedding_model: str = "text-embedding-3-small"
    embedding_timeout_s: float = Field(default=1.0, gt=0)
    audit: Literal["behind", "instead"] = "behind"
    audit_share: float = Field(default=0.05, ge=0, le=1)
    ttl_s: float = Field(default=3600.0, gt=0)
    max_entries: int = Field(default=10_000, ge=1)
    max_chars: int = Field(default=50_000_000, ge=1)
    max_question_chars: int = Field(default=2_000, ge=1)
    max_temperature: float = Field(default=1.0, ge=0)
    same_answer: Said = "text"


class SemanticCache:
    """Answers from memory what the policy lets it; listens to the answers going by and learns from them."""

    def __init__(
        self,
        options: SemanticCacheOptions,
        embedder: Embedder,
        background: Background | None = None,
        *,
        seed: int = 0,
        agrees: Agrees | None = None,
    ) -> None:
        self._options = options
        self._embedder = embedder
        self._background = background or Background()
        self._seed = seed
        self._agreement = Agreement(options.same_answer, agrees)
        self._policy = policy_of(options)
        self._unlearned = 0.0
        make_index(embedder.dimensions, options.max_entries)  # complains now, not at the first question
        self._memory = Memory(
            lambda: make_index(embedder.dimensions, options.max_entries),
            self._agreement,
            ttl_s=options.ttl_s,
            max_entries=options.max_entries,
            max_chars=options.max_chars,
        )

    def __len__(self) -> int:
        """Questions held."""
        return len(self._memory)

    async def __call__(self, call: Call, next: Next) -> Reply:
        question = self._question(call)
        if question is None:
            return await next(call)
        if call.facts.cache == "off":
            call.facts.cache = "miss"
        try:
            vectors = await self._embedder.embed([question], call.facts)
        except StackError:
            return await next(call)
        asked = Asked(partition_key(call), vectors[0], signature(question))
        wanted = (
            call.caller.cache == "use" and call.facts.cache == "miss"
        )  # a stale answer is to be made anew
        match = self._memory.find(asked, _now()) if wanted else None
        if match is not None:
            call.facts.cache_similarity = match.evidence.similarity
            call.facts.cache_nearest = match.source
            call.facts.cache_same_tokens = match.evidence.same_tokens
            if self._policy.serves(match.evidence):
                return await self._hit(call, next, asked, match)
        return self._overheard(asked, await next(call), call)

    def _question(self, call: Call) -> str | None:
        """The text to compare, None if this call is not for us."""
        if call.caller.cache == "bypass" or (call.request.temperature or 0.0) > self._options.max_temperature:
            return None
        last = call.request.messages[-1]
        if last.role != "user" or call.request.prefill or not last.content.strip():
            return None
        return last.content if len(last.content) <= self._options.max_question_chars else None

    async def _hit(self, call: Call, next: Next, asked: Asked, match: Match) -> Reply:
        share = self._options.audit_share
        if uniform(self._seed, "semantic audit", call.id) < share:
            call.facts.cache_audit = "pending"
            if self._options.audit == "instead":
                reply = await next(call.with_attempt(kind="audit"))
                return self._overheard(asked, reply, call, match)
            call.facts.goes_on_with(self._background.start(self._ask_anyway(call, next, asked, match)))
        call.facts.cache = "semantic"
        call.facts.cached_from = match.source
        return Reply(match.events[0], replay(match.events[1:]))

    async def _ask_anyway(self, call: Call, next: Next, asked: Asked, match: Match) -> None:
        """The call once more, with nobody waiting for it."""
        again = call.with_attempt(kind="audit").with_caller(priority="batch", deadline_s=inf)
        try:
            async with self._overheard(asked, await next(again), call, match) as reply:
                async for _ in reply:
                    pass
        except StackError:
            call.facts.cache_audit = "failed"

    def _overheard(self, asked: Asked, reply: Reply, call: Call, audited: Match | None = None) -> Reply:
        """The reply as it is; its answer is learned if it comes to its end, and held against the one that is
        `audited`.
        """
        events: list[Event] = []
        reply.tap(events.append)

        def settle(outcome: Outcome) -> None:
            known = outcome.kind == "success" and _is_answer(events)
            if audited is not None:
                agreed = known and self._agreement(Answer.of(audited.events), Answer.of(events))
                call.facts.cache_audit = ("agreed" if agreed else "disagreed") if known else "failed"
            if known:
                weight = 1.0 if audited is None else 1 / self._options.audit_share
                self._learn(asked, tuple(events), call.id, weight)

        reply.on_end(settle)
        return reply

    def _learn(self, asked: Asked, events: tuple[Event, ...], source: str, weight: float) -> None:
        self._memory.learn(asked, events, _now(), source, weight)
        self._unlearned += weight
        if self._policy.learns and self._unlearned >= max(REFIT_CALLS, REFIT_SHARE * len(self._memory)):
            self._unlearned = 0.0
            self._policy.learn(self._memory.observations())


def _is_answer(events: list[Event]) -> bool:
    """Text, all of it, and nothing else."""
    *text, end = events
    return type(end) is Finish and end.reason == "stop" and bool(text) and all(type(e) is Delta for e in text)


def _now() -> float:
    return asyncio.get_running_loop().time()
