"""Semantic cache: a question gets the answer of an earlier question with the same meaning, if that is safe.

The text of the last message, the user's, is compared with the questions of the same partition (`memory.py`).
Only complete plain-text answers are stored: a tool call is an action, not an answer. Each call that goes on
to the provider is an observation for the policy. Hits are not, so a share of them is audited: the provider is
asked as well, in the background or instead of the cache, and the answers are compared. An audited hit is
weighted to represent all hits, as an observation and as a new entry.

If the embedder fails, the call goes on to the provider.
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
from ..exact import Scope
from .agreement import Agreement, AnswerComparison, ComparedPart
from .embedding.embedder import Embedder
from .gate import signature
from .index import make_index
from .memory import Match, Memory, Question, partition_key
from .policy import PolicyOptions, policy_of

REFIT_CALLS = 50
REFIT_SHARE = 0.05
"""The policy is refitted after this many new calls, and at least this share of all entries."""


class SemanticCacheOptions(PolicyOptions):
    """`embedder` "ngrams": hashed n-grams, of `dimensions` 1,024; "minilm": all-MiniLM-L6-v2 in this process;
    "api": `embedding_model` ("text-embedding-3-small") of `embedding_provider` ("openai"), which may take
    `embedding_timeout_s` 1 second.

    `audit_share` 0.05 of the hits are audited; `audit` "behind": in the background, or "instead" of the
    cache. `ttl_s` 3,600 seconds, `max_entries` 10,000 and `max_chars` 50 million characters of all answers,
    evicted least recently used first. `max_question_chars` 2,000: longer questions are mostly context, and
    bypass the cache, as do calls with a temperature above `max_temperature` 1.0.

    `scope` "credential": only calls with the same tenant and the same credential share answers; "tenant": all
    of a tenant's calls do. `same_answer` "text": answers agree if their texts are equal, ignoring case and
    white space; "first_sentence": if their first sentences are.
    """

    embedder: Literal["ngrams", "minilm", "api"] = "ngrams"
    dimensions: int | None = Field(default=None, ge=1)
    embedding_provider: Literal["openai", "together"] = "openai"
    embedding_model: str = "text-embedding-3-small"
    embedding_timeout_s: float = Field(default=1.0, gt=0)
    scope: Scope = "credential"
    audit: Literal["behind", "instead"] = "behind"
    audit_share: float = Field(default=0.05, ge=0, le=1)
    ttl_s: float = Field(default=3600.0, gt=0)
    max_entries: int = Field(default=10_000, ge=1)
    max_chars: int = Field(default=50_000_000, ge=1)
    max_question_chars: int = Field(default=2_000, ge=1)
    max_temperature: float = Field(default=1.0, ge=0)
    same_answer: ComparedPart = "text"


class SemanticCache:
    """The layer: serves matches that the policy permits; records and learns the answers passing through."""

    def __init__(
        self,
        options: SemanticCacheOptions,
        embedder: Embedder,
        background: Background | None = None,
        *,
        seed: int = 0,
        compare_answers: AnswerComparison | None = None,
    ) -> None:
        self._options = options
        self._embedder = embedder
        self._background = background or Background()
        self._seed = seed
        self._agreement = Agreement(options.same_answer, compare_answers)
        self._policy = policy_of(options)
        self._unlearned = 0.0
        make_index(embedder.dimensions, options.max_entries)  # raises now, not at the first question
        self._memory = Memory(
            lambda: make_index(embedder.dimensions, options.max_entries),
            self._agreement,
            ttl_s=options.ttl_s,
            max_entries=options.max_entries,
            max_chars=options.max_chars,
        )

    def __len__(self) -> int:
        """The number of stored questions."""
        return len(self._memory)

    async def __call__(self, call: Call, next: Next) -> Reply:
        text = self._text(call)
        if text is None:
            return await next(call)
        if call.facts.cache == "off":
            call.facts.cache = "miss"
        try:
            vectors = await self._embedder.embed([text], call.facts)
        except StackError:
            return await next(call)
        question = Question(partition_key(call, self._options.scope), vectors[0], signature(text))
        wanted = call.caller.cache == "use" and call.facts.cache == "miss"  # not to refresh a stale answer
        match = self._memory.find(question, _now()) if wanted else None
        if match is not None:
            call.facts.cache_similarity = match.evidence.similarity
            call.facts.cache_nearest = match.source
            call.facts.cache_same_tokens = match.evidence.same_tokens
            if self._policy.serves(match.evidence):
                return await self._hit(call, next, question, match)
        return self._recorded(question, await next(call), call)

    def _text(self, call: Call) -> str | None:
        """The text to compare, None if this call bypasses the cache."""
        if call.caller.cache == "bypass" or (call.request.temperature or 0.0) > self._options.max_temperature:
            return None
        last = call.request.messages[-1]
        if last.role != "user" or last.media or call.request.prefill or not last.content.strip():
            return None
        return last.content if len(last.content) <= self._options.max_question_chars else None

    async def _hit(self, call: Call, next: Next, question: Question, match: Match) -> Reply:
        share = self._options.audit_share
        if uniform(self._seed, "semantic audit", call.id) < share:
            call.facts.cache_audit = "pending"
            if self._options.audit == "instead":
                reply = await next(call.with_attempt(kind="audit"))
                return self._recorded(question, reply, call, match)
            call.facts.goes_on_with(self._background.start(self._audit(call, next, question, match)))
        call.facts.cache = "semantic"
        call.facts.cached_from, call.facts.dropped_before = match.source, match.dropped
        return Reply(match.events[0], replay(match.events[1:]))

    async def _audit(self, call: Call, next: Next, question: Question, match: Match) -> None:
        """Ask the provider in the background, and compare."""
        again = call.with_attempt(kind="audit").with_caller(priority="batch", deadline_s=inf)
        try:
            async with self._recorded(question, await next(again), call, match) as reply:
                async for _ in reply:
                    pass
        except StackError:
            call.facts.cache_audit = "failed"

    def _recorded(self, question: Question, reply: Reply, call: Call, audited: Match | None = None) -> Reply:
        """The reply unchanged; a complete answer is learned, and compared with the `audited` match."""
        events: list[Event] = []
        reply.tap(events.append)

        def settle(outcome: Outcome) -> None:
            known = outcome.kind == "success" and _is_answer(events)
            if audited is not None:
                agreed = known and self._agreement(Answer.of(audited.events), Answer.of(events))
                call.facts.cache_audit = ("agreed" if agreed else "disagreed") if known else "failed"
            if known:
                weight = 1.0 if audited is None else 1 / self._options.audit_share
                self._learn(question, tuple(events), call, weight)

        reply.on_end(settle)
        return reply

    def _learn(self, question: Question, events: tuple[Event, ...], call: Call, weight: float) -> None:
        self._memory.learn(question, events, _now(), call.id, weight, call.facts.dropped_for_all)
        self._unlearned += weight
        if self._policy.learns and self._unlearned >= max(REFIT_CALLS, REFIT_SHARE * len(self._memory)):
            self._unlearned = 0.0
            self._policy.learn(self._memory.observations())


def _is_answer(events: list[Event]) -> bool:
    """A complete reply of text only."""
    *text, end = events
    return type(end) is Finish and end.reason == "stop" and bool(text) and all(type(e) is Delta for e in text)


def _now() -> float:
    return asyncio.get_running_loop().time()
