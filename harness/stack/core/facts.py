"""The record of a call and its attempts: plain rows, filled in as things happen, emitted once."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .errors import ProviderError
from .kinds import ATTEMPT_KINDS, AttemptKind
from .parameters import HINTS
from .reply import Usage

NOT_IN_ROW = ("service_tier", "dropped", "going_on", "dropped_before")


@dataclass(slots=True)
class AttemptFacts:
    """One request to a provider that the stack decided on. Moments are on the event loop's clock.

    `outcome`: success, failed, abandoned (by the caller) or rejected (by the stack), None while it runs.
    `sign_s`: the provider's first event, `first_s`: its first word; a model that reasons has seconds between
    them. `sent`: the request reached the transport. The cost is an estimate unless both `usage_known` (the
    provider reported the tokens) and `price_known` (the price list has the model and its service tier).
    `service_tier` is the tier that the reply named, "" for the standard one; `dropped` are the settings that
    the target does not understand and that were left out. Neither is part of the row.
    """

    call_id: str
    n: int
    kind: AttemptKind
    provider: str
    model: str
    started_s: float
    backoff_s: float = 0.0
    limiter_wait_s: float = 0.0
    sign_s: float | None = None
    first_s: float | None = None
    end_s: float | None = None
    outcome: str | None = None
    error_kind: str | None = None
    status: int | None = None
    retry_after_s: float | None = None
    sent: bool = False
    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    usage_known: bool = False
    price_known: bool = True
    cost_nusd: int = 0
    service_tier: str = ""
    dropped: tuple[str, ...] = ()

    def as_row(self) -> dict[str, Any]:
        """The attempt as JSON-ready values."""
        return {name: getattr(self, name) for name in self.__slots__ if name not in NOT_IN_ROW}

    def note_prompt(self, usage: Usage) -> None:
        """Record the provider's counts of the prompt."""
        self.input_tokens = usage.input_tokens
        self.cached_input_tokens = usage.cached_input_tokens
        self.cache_write_tokens = usage.cache_write_tokens
        self.cache_write_1h_tokens = usage.cache_write_1h_tokens

    def note(self, usage: Usage) -> None:
        """Record all of the provider's counts."""
        self.note_prompt(usage)
        self.output_tokens = usage.output_tokens
        self.reasoning_tokens = usage.reasoning_tokens
        self.service_tier = usage.service_tier

    def settle(
        self,
        outcome: str,
        now: float,
        usage: Usage | None = None,
        *,
        known: bool,
        cost_nusd: int,
        price_known: bool,
        error: BaseException | None = None,
    ) -> None:
        """Close the row. `usage` and `cost_nusd` are the provider's if `known`, else our estimate."""
        self.outcome, self.end_s = outcome, now
        self.usage_known, self.price_known, self.cost_nusd = known, price_known, cost_nusd
        if usage is not None:
            self.note(usage)
        if outcome == "success":
            self.status = 200
        if isinstance(error, Exception):
            self.error_kind = getattr(error, "kind", type(error).__name__)
        if isinstance(error, ProviderError):
            self.status, self.retry_after_s = error.status, error.retry_after_s

    @property
    def attempt_id(self) -> str:
        """Sent to the provider as `x-client-request-id`, so that its ledger can be joined with ours."""
        return f"{self.call_id}/{self.n}"


@dataclass(slots=True)
class CallFacts:
    """One call. `outcome`: success, empty (a reply without a word), filtered (by the provider), failed,
    rejected (by the stack) or abandoned (by the caller).

    Caches: `cached_from` is the id of the call whose cached answer was served. `cache_nearest` is the call
    with the nearest question in the semantic cache, `cache_similarity` its similarity, and
    `cache_same_tokens` whether both questions have the same negations, numbers and names. `cache_audit` of an
    audited hit: pending, agreed, disagreed or failed.

    Routing: `route_policy`; `route_tier`, the tier that answered, and its rank (0: the smallest);
    `route_score` and `route_why`, the score and the reason of the choice; `escalated`: a larger tier was
    asked after a smaller one.

    `held_s`: how long the stack held the first event of the answer back, whichever layers did (a cascade that
    judges the answer first, a fallback that buffers it); None if it was passed on as it came.

    `going_on` is work that the call began and that may outlive its reply; its attempts are the call's.
    `dropped_before` are the settings that were dropped when a shared answer was made. Neither is part of the
    row.
    """

    call_id: str
    tenant: str = ""
    started_s: float = 0.0
    first_s: float | None = None
    end_s: float | None = None
    outcome: str | None = None
    error_kind: str | None = None
    cache: str = "off"
    cached_from: str | None = None
    cache_similarity: float | None = None
    cache_nearest: str | None = None
    cache_same_tokens: bool | None = None
    cache_audit: str = ""
    route_policy: str | None = None
    route_tier: str | None = None
    route_rank: int | None = None
    route_score: float | None = None
    route_why: str | None = None
    escalated: bool | None = None
    held_s: float | None = None
    attempts: list[AttemptFacts] = field(default_factory=list)
    going_on: "list[asyncio.Future[Any]]" = field(default_factory=list)
    dropped_before: tuple[str, ...] = ()

    @property
    def cost_nusd(self) -> int:
        """The cost of all attempts of the call, winners and losers, in nano-dollars."""
        return sum(attempt.cost_nusd for attempt in self.attempts)

    def begin(
        self, kind: AttemptKind, provider: str, model: str, now: float, *, backoff_s: float = 0.0
    ) -> AttemptFacts:
        """Open the row of the call's next attempt, numbered from 1."""
        n = len(self.attempts) + 1
        attempt = AttemptFacts(self.call_id, n, kind, provider, model, now, backoff_s=backoff_s)
        self.attempts.append(attempt)
        return attempt

    def goes_on_with(self, work: "asyncio.Future[Any]") -> None:
        """Hold the call's row back until `work` is done."""
        self.going_on.append(work)

    def when_over(self, then: Callable[[], None]) -> None:
        """Call `then` once when all background work of the call is done; now, if there is none."""
        running = [work for work in self.going_on if not work.done()]
        if not running:
            then()
            return
        running[0].add_done_callback(lambda _: self.when_over(then))

    @property
    def answered_by(self) -> AttemptFacts | None:
        """The attempt whose reply went to the caller; None if there is none, or if a cache answered."""
        return None if self.cache in ("exact", "stale", "semantic") else self._made_by

    @property
    def _made_by(self) -> AttemptFacts | None:
        """The attempt that made an answer, for the caller or for a cache."""
        answers = [each for each in self.attempts if not ATTEMPT_KINDS[each.kind].auxiliary]
        committed = [attempt for attempt in answers if attempt.first_s is not None]
        going_on = [attempt for attempt in committed if attempt.outcome in (None, "success")]
        last = going_on or committed
        return last[-1] if last else None

    @property
    def dropped(self) -> tuple[str, ...]:
        """Settings of the call that the target which answered does not understand: they were not sent."""
        return self.dropped_before if self.answered_by is None else self.answered_by.dropped

    @property
    def dropped_for_all(self) -> tuple[str, ...]:
        """The settings dropped in the provider's answer that all calls which share it have in common."""
        made_by = self._made_by
        dropped = self.dropped_before if made_by is None else made_by.dropped
        return tuple(name for name in dropped if name not in HINTS)

    def as_row(self) -> dict[str, Any]:
        """The call with its attempts as JSON-ready values."""
        row = {name: getattr(self, name) for name in self.__slots__ if name not in NOT_IN_ROW}
        row["attempts"] = [attempt.as_row() for attempt in self.attempts]
        row["cost_nusd"] = self.cost_nusd
        return row
