"""State of one provider between requests: limits, slots, prompt caches, counts of equal requests."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ..exchange.request import Request
from ..latency.slots import Place, Slots
from ..limits.limits import Demand, Limits, Verdict
from ..limits.rate_limiter import Permit, RateLimiter, admit
from ..profile import Model
from ..prompt_cache.cache import CacheUse, PromptCache, prompt_cache

_UNCACHED = CacheUse()


class Admission(NamedTuple):
    """The admission of a request, and what it holds until it ends.

    - `permit`: its share of the limits; None: it was refused
    - `cached`: its use of the prompt cache
    - `place`: its slot; None: the model has no slots, or (`full`) the queue is full
    """

    verdict: Verdict
    permit: Permit | None = None
    cached: CacheUse = _UNCACHED
    place: Place | None = None
    full: bool = False

    @property
    def refused(self) -> bool:
        """Whether the request is not answered by the model."""
        return self.permit is None or self.full


OUTSIDE_LIMITS = Admission(Verdict())
"""Of a batch item: it uses none of the limits, slots and prompt caches of live requests."""


class Caller(NamedTuple):
    """An API key and the organisation that pays for it."""

    key_id: str
    organization: str


class ProviderState:
    """Mutable, without a clock: every method takes `now` (seconds on the loop's clock).

    `fault_counts`: requests matched by each fault, by its index in the schedule; `script_counts`: requests
    answered by each entry of the script.
    """

    def __init__(self) -> None:
        self._limiters: dict[tuple[str, str, str], RateLimiter] = {}
        self._caches: dict[tuple[str, str], PromptCache] = {}
        self._slots: dict[str, Slots] = {}
        self._asked: Counter[tuple[str, str]] = Counter()
        self.fault_counts: Counter[int] = Counter()
        self.script_counts: Counter[int] = Counter()

    def times_asked(self, model: str, digest: str) -> int:
        """How often this request came before, without being refused by a limit."""
        return self._asked[model, digest]

    def count(self, model: str, digest: str) -> None:
        """Count the request once more."""
        self._asked[model, digest] += 1

    def admit(
        self,
        caller: Caller,
        model: str,
        limits: Limits,
        demand: Demand,
        now: float,
        organization_limits: Limits | None = None,
    ) -> Admission:
        """Charge the limits of the key and of its organisation for a model, or none of them."""
        limiters = [self._limiter("key", caller.key_id, model, limits, now)]
        if organization_limits is not None:
            name = caller.organization
            limiters.append(self._limiter("organization", name, model, organization_limits, now))
        return _charged(limiters, demand, now)

    def enter(
        self,
        caller: Caller,
        model_id: str,
        model: Model,
        request: Request,
        now: float,
        cache_since: float | None = None,
    ) -> Admission:
        """Admit a request for a reply: limits, prompt cache and slot.

        Prompt cache entries from before `cache_since` (loop's clock) are lost.
        """
        cache = self._cache(caller.organization, model_id, model)
        cached = _UNCACHED if cache is None else _looked_up(cache, request, now, cache_since)
        demand = Demand(request.input_tokens, request.max_tokens or 0, cached.read_tokens)
        admission = self.admit(caller, model_id, model.limits, demand, now, model.organization_limits)
        admission = admission._replace(cached=cached)
        if model.load is None or admission.permit is None:
            return admission
        slots = self._slots.setdefault(model_id, Slots(model.load))
        place = slots.enter(now)
        return admission._replace(place=place, full=place is None)

    def begin(
        self,
        caller: Caller,
        model_id: str,
        model: Model,
        admission: Admission,
        first_at: float | None,
        until: float,
    ) -> None:
        """Record the planned reply: its first token at `first_at`, its end at `until` (loop's clock).

        None: no reply begins (refused, hung), so nothing is written to the prompt cache.
        """
        if admission.place is not None:
            self._slots[model_id].occupy(admission.place, until)
        cache = self._cache(caller.organization, model_id, model)
        if cache is not None and first_at is not None:
            cache.commit(admission.cached, first_at)

    def settle(self, model_id: str, admission: Admission, output_tokens: int, now: float) -> None:
        """An admitted request has ended after `output_tokens`."""
        if admission.permit is not None:
            admission.permit.settle(output_tokens, now)
        if admission.place is not None:
            self._slots[model_id].leave(admission.place, now)

    def waiting(self, now: float) -> dict[str, int]:
        """How many requests wait for a slot of each model, by its canonical id."""
        return {model_id: slots.waiting(now) for model_id, slots in self._slots.items()}

    def busy_shares(self, now: float) -> dict[str, float]:
        """The share of the slots of each model that are taken."""
        return {model_id: slots.busy_share(now) for model_id, slots in self._slots.items()}

    def _limiter(self, scope: str, name: str, model: str, limits: Limits, now: float) -> RateLimiter:
        limiter = self._limiters.get((scope, name, model))
        if limiter is None:
            limiter = RateLimiter(limits, now, "key" if scope == "key" else "organization")
            self._limiters[scope, name, model] = limiter
        return limiter

    def _cache(self, organization: str, model_id: str, model: Model) -> PromptCache | None:
        if model.prompt_cache is None:
            return None
        cache = self._caches.get((organization, model_id))
        if cache is None:
            cache = self._caches[organization, model_id] = prompt_cache(model.prompt_cache)
        return cache


def _looked_up(cache: PromptCache, request: Request, now: float, since: float | None) -> CacheUse:
    use = cache.look_up(request.messages, now, since)
    if since is None:
        return use
    unharmed = cache.look_up(request.messages, now)
    return use._replace(lost_tokens=unharmed.read_tokens - use.read_tokens)


def _charged(limiters: Sequence[RateLimiter], demand: Demand, now: float) -> Admission:
    verdict = admit(limiters, demand, now)
    return Admission(verdict, Permit(limiters, demand) if verdict.refused_by is None else None)
