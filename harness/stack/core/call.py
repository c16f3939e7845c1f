"""One call shape, and the layers that wrap it: read this file first.

A *call* is what the user asked for; an *attempt* is one request to a provider. Every concern of the stack is
a `Layer`: it gets the call and the rest of the stack as `next`. `await next(call)` resolves at the **commit
point**: when the first content event has arrived. Before it, retry, fallback and first-token deadlines are
plain `await` code; after it, failures surface while the `Reply`'s events are read.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from math import inf
from typing import Concatenate, Literal, ParamSpec, Protocol, TypeVar, cast

from .cache_hints import NO_HINTS, CacheHints
from .copies import copier
from .facts import AttemptFacts, CallFacts
from .kinds import AttemptKind
from .reply import Reply
from .request import Request
from .target import Target

Priority = Literal["interactive", "batch"]
CacheUse = Literal["use", "refresh", "bypass"]


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf a call is made, and on which terms.

    `tenant` is the customer, `key` the name of the credential the call came with, never the credential
    itself. `deadline_s` is the moment on the event loop's clock after which nobody waits for the answer.
    `residency` is the region that the call must stay in, "" for any. `cache`: "refresh" reads no cached
    answer but stores the new one, "bypass" does neither. `hint` is the caller's own estimate of how hard the
    question is; only the `oracle` router reads it.
    """

    tenant: str = ""
    key: str = ""
    priority: Priority = "interactive"
    deadline_s: float = inf
    residency: str = ""
    cache: CacheUse = "use"
    hint: str = ""


ANYBODY = Caller()


@dataclass(frozen=True, slots=True)
class Routing:
    """Which targets a call may go to, and in which order.

    `only` names the permitted targets, () for all of the chain. `order` is a router's order of targets, ()
    for the chain's own. `may_escalate`: the router will ask other targets if none of these answers well.
    `cache_hints` help providers to find the prompt in their caches.
    """

    only: tuple[str, ...] = ()
    order: tuple[Target, ...] = ()
    may_escalate: bool = False
    cache_hints: CacheHints = NO_HINTS


@dataclass(frozen=True, slots=True)
class Attempt:
    """The attempt that is being made: filled in on the way down the stack.

    `backoff_s` is the wait before it. `force` sends it even if the target's breaker is open. `key_name` is
    the name of our API key to use, "" for the only one. `facts` is its row in the attempt ledger.
    `fresh_connection`: use none that was used before. `on_sign` is called when the provider sends something
    that has no word in it (reasoning, a ping), or a part of a whole reply.
    """

    target: Target | None = None
    kind: AttemptKind = "primary"
    backoff_s: float = 0.0
    force: bool = False
    key_name: str = ""
    facts: AttemptFacts | None = field(default=None, compare=False)
    fresh_connection: bool = False
    on_sign: Callable[[], None] | None = field(default=None, compare=False)


class Reservation(Protocol):
    """Money that budgets hold for a call: reserved before an attempt, settled when it ends."""

    async def reserve(self, attempt: AttemptFacts, nusd: int) -> None:
        """Hold `nusd` nano-dollars for `attempt`. Raises `Rejected` when a budget has less left."""
        ...

    def settle(self, attempt: AttemptFacts) -> None:
        """Spend what `attempt` cost and release the rest. A second call for one attempt does nothing."""
        ...


Fields = ParamSpec("Fields")
Part = TypeVar("Part")


def _changing(part: str, kind: Callable[Fields, Part]) -> "Callable[Concatenate[Call, Fields], Call]":
    """A method of `Call`: a copy with these fields of `part` changed, given by keyword."""
    copied_part = copier(cast("type[Part]", kind))

    def changed(call: "Call", /, *none: Fields.args, **changes: Fields.kwargs) -> "Call":
        if none:
            raise TypeError(f"the fields of the call's {part} are changed by keyword")
        return _copied_call(call, {part: copied_part(getattr(call, part), changes)})

    return changed


@dataclass(frozen=True, slots=True)
class Call:
    """The user's request, and the decisions of the layers above so far. Layers pass on changed copies:
    `call.with_request(prefill="…")`, and likewise for the fields of `caller`, `routing` and `attempt`.

    `facts` is the call's record, shared by all its attempts. `counter` counts the tokens of a text, None for
    four characters a token. `reservation` is set by the budget layer.
    """

    id: str
    request: Request
    facts: CallFacts
    caller: Caller = ANYBODY
    routing: Routing = Routing()
    attempt: Attempt = Attempt()
    counter: Callable[[str], int] | None = field(default=None, compare=False)
    reservation: Reservation | None = field(default=None, compare=False)

    def at(self, target: Target) -> "Call":
        """This call, addressed to `target`."""
        return self.with_attempt(target=target)

    @property
    def target(self) -> Target:
        """The target chosen by a layer above. Raises `RuntimeError` if the stack's order is wrong."""
        if self.attempt.target is None:
            raise RuntimeError(f"call {self.id}: no target chosen yet; put fallback above this layer")
        return self.attempt.target

    with_request = _changing("request", Request)
    with_caller = _changing("caller", Caller)
    with_routing = _changing("routing", Routing)
    with_attempt = _changing("attempt", Attempt)


_copied_call = copier(Call)

Next = Callable[[Call], Awaitable[Reply]]


class Layer(Protocol):
    """One concern around a call: it may answer itself, change the call, ask `next` again, or fail."""

    async def __call__(self, call: Call, next: Next, /) -> Reply: ...


def stack(*layers: Layer, send: Next) -> Next:
    """The layers around `send`, outermost first, as one callable."""
    for layer in reversed(layers):
        send = _around(layer, send)
    return send


def _around(layer: Layer, next: Next) -> Next:
    async def call_layer(call: Call) -> Reply:
        return await layer(call, next)

    return call_layer
