"""Budgets: limits on the cost per tenant, key or model in a minute, an hour, a day or a month.

Before a call goes on, the maximum cost of its first attempt is reserved: prompt tokens and maximum output
tokens at their highest prices. Each further attempt (retry, hedge, fallback) reserves for itself. When an
attempt ends, its reservation is settled with its actual cost, exactly once; an answer from a cache costs
nothing. So concurrent calls cannot exceed a hard limit together, with three exceptions: a provider that
counts more tokens than we do, a reply at a dearer service tier than its target asks for, and the embedding of
a question, which is spent when the call is over. A call without `max_tokens` reserves its target's
`max_output_tokens`: set it, or calls are rejected long before the money is spent. A call belongs to the
period in which it began. Accounts are kept in the backend; `budget_file.py` has one that survives restarts.

A budget per model applies to attempts, not calls: an attempt at a model whose budget is exhausted is refused,
and the chain goes on to its next target.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import BeforeValidator, model_validator

from ..config.options import Options
from ..core.call import Call, Next
from ..core.eligibility import unsuitable
from ..core.errors import Rejected
from ..core.reply import Reply
from ..core.support import expected_tier
from ..core.target import Target
from ..core.tokens import call_tokens, most_output_tokens
from ..state.backend import Backend, Change, MemoryBackend
from .account import Account, Granted, reserve, spend
from .dollars import dollars_nusd
from .periods import Period, Span, ZoneName, span_of, time_zone
from .price import Price
from .reservation import BudgetReservation, BudgetView

KEY_PREFIX = "budget/"
"""The keys of budgets' accounts in the backend begin with it."""


def _dollars(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str):
        dollars_nusd(value)
    return value


Dollars = Annotated[str, BeforeValidator(_dollars)]


class BudgetOptions(Options):
    """`hard_usd` (default: none): limit per `period` "day" ("minute", "hour", "day", "month"); calls beyond
    it are rejected. `soft_usd` (default: none): beyond it, calls go only to the chain's targets named in
    `cheaper` []. Dollars as strings are exact, to the nano-dollar.

    `time_zone` "UTC": days and months begin at midnight there ("Europe/Berlin"), also when daylight saving
    makes a day of 23 or 25 hours; minutes and hours are those of UTC.

    `per` []: one budget for each value of "tenant", "key" (the caller's) or "model"; [] for one budget in
    all. `tenants`, `keys`, `models` []: only the cost of these counts; [] for all. `name`: key of its
    state, default "PERIOD-N".
    """

    name: str = ""
    per: tuple[Literal["tenant", "key", "model"], ...] = ()
    tenants: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    period: Period = "day"
    time_zone: ZoneName = "UTC"
    hard_usd: Dollars | None = None
    soft_usd: Dollars | None = None
    cheaper: tuple[str, ...] = ()

    @property
    def hard_nusd(self) -> int | None:
        """The hard limit in nano-dollars."""
        return None if self.hard_usd is None else dollars_nusd(self.hard_usd)

    @property
    def soft_nusd(self) -> int | None:
        """The soft limit in nano-dollars."""
        return None if self.soft_usd is None else dollars_nusd(self.soft_usd)

    def span(self, unix_s: float) -> Span:
        """The budget's period at a Unix time."""
        return span_of(self.period, unix_s, time_zone(self.time_zone))

    @property
    def by_model(self) -> bool:
        """Whether the budget depends on the model."""
        return "model" in self.per or bool(self.models)

    @model_validator(mode="after")
    def _has_limits(self) -> "BudgetOptions":
        if self.hard_nusd is None and self.soft_nusd is None:
            raise ValueError("expected a limit: hard_usd, soft_usd or both")
        if (self.soft_nusd is None) != (not self.cheaper):
            raise ValueError("expected soft_usd and cheaper together: where calls go beyond the soft limit")
        if self.soft_nusd is not None and self.by_model:
            raise ValueError("expected no soft_usd per model: beyond hard_usd the chain goes on anyway")
        if self.hard_nusd is not None and self.soft_nusd is not None and self.soft_nusd > self.hard_nusd:
            raise ValueError("expected soft_usd below hard_usd")
        return self


@dataclass(frozen=True, slots=True)
class Budget(BudgetView):
    """One budget as one call sees it. `epoch_s` is the Unix time at zero of the loop's clock."""

    options: BudgetOptions
    name: str
    call: Call
    epoch_s: float

    def key(self, model: str) -> str:
        values = {"tenant": self.call.caller.tenant, "key": self.call.caller.key, "model": model}
        return "/".join((f"{KEY_PREFIX}{self.name}", *(values[each] for each in self.options.per)))

    def concerns(self, model: str) -> bool:
        return not self.options.models or model in self.options.models

    def reserving(self, nusd: int) -> Change[Granted | None]:
        return self.admitting(nusd, None)

    def admitting(self, nusd: int, cheaper_nusd: int | None) -> Change[Granted | None]:
        """Reserve for a new call: its maximum cost, beyond the soft limit that of the cheaper targets."""
        options, period = self.options, self._period
        return lambda known: reserve(
            known,
            period,
            nusd,
            hard_nusd=options.hard_nusd,
            soft_nusd=options.soft_nusd,
            cheaper_nusd=cheaper_nusd,
        )

    def spending(self, nusd: int) -> Callable[[Account | None], Account]:
        period = self._period
        return lambda known: spend(known, period, nusd)

    def exhausted(self) -> Exception:
        options = self.options
        left_s = options.span(self._now).ends_s - self._now
        return Rejected(
            "rejected_budget",
            f"the call may cost more than is left of {options.hard_usd} dollars a {options.period}",
            retry_after_s=left_s,
        )

    @property
    def _period(self) -> int:
        return self.options.span(self._now).begins_s

    @property
    def _now(self) -> float:
        return self.epoch_s + asyncio.get_running_loop().time()


def _concerns(options: BudgetOptions, call: Call) -> bool:
    """Whether the cost of `call` counts in the budget, for some model."""
    return (not options.tenants or call.caller.tenant in options.tenants) and (
        not options.keys or call.caller.key in options.keys
    )


class Budgets:
    """Reserves money for each call before its first attempt; rejects a call beyond a hard limit."""

    def __init__(
        self,
        options: Sequence[BudgetOptions],
        targets: Sequence[Target],
        prices: Mapping[str, Price],
        backend: Backend | None = None,
        epoch_s: float = 0.0,
    ) -> None:
        self._options = [(each.name or f"{each.period}-{n}", each) for n, each in enumerate(options, 1)]
        self._targets = targets
        self._prices = prices
        self._backend = backend or MemoryBackend()
        self._epoch_s = epoch_s

    async def __call__(self, call: Call, next: Next) -> Reply:
        budgets = [
            Budget(options, name, call, self._epoch_s)
            for name, options in self._options
            if _concerns(options, call)
        ]
        reservation = BudgetReservation(budgets, self._backend, call.facts)
        try:
            only = await self._fill(reservation, budgets, call)
            reply = await next(replace(call.with_routing(only=only), reservation=reservation))
        except BaseException:
            call.facts.when_over(reservation.close)
            raise
        reply.on_end(lambda _: call.facts.when_over(reservation.close))
        return reply

    async def _fill(
        self, reservation: BudgetReservation, budgets: Sequence[Budget], call: Call
    ) -> tuple[str, ...]:
        """Reserve for the first attempt; returns the permitted targets, () for all."""
        only = call.routing.only
        for budget in budgets:
            if budget.options.by_model:
                continue
            cheaper = budget.options.cheaper
            both = tuple(name for name in cheaper if name in only) or cheaper
            least = self._most(call, both) if both else None
            granted = await reservation.fill(budget.key(""), budget.admitting(self._most(call, only), least))
            if granted is None:
                raise budget.exhausted()
            only = both if granted.cheaper else only
        return only

    def _most(self, call: Call, only: Sequence[str]) -> int:
        """The maximum cost of the first attempt; 0 if no target can serve the call."""
        named = [target for target in self._targets if not only or target.name in only]
        first = next((target for target in named if unsuitable(call, target) is None), None)
        if first is None:
            return 0
        price = self._prices[first.model]
        most_out = most_output_tokens(call, first)
        return price.most(call_tokens(call), most_out, service_tier=expected_tier(call.request, first))
