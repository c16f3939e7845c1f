"""One call shape, and the layers that wrap it: read this file first.

A *call* is what the user asked for; an *attempt* is one request to a provider. Every concern of the stack is
a `Layer`: it gets the call and the rest of the stack as `next`. `await next(call)` resolves at the **commit
point**: when the first content event has arrived. Before it, retry, fallback and first-token deadlines are
plain `await` code; after it, trouble surfaces while the `Reply`'s events are read.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from typing import TYPE_CHECKING, Any, Literal, Protocol

from .cache_hints import NO_HINTS, CacheHints
from .reply import Reply, ToolCall

if TYPE_CHECKING:
    from ..money.reservation import Purse
    from .facts import AttemptFacts, CallFacts

Role = Literal["system", "user", "assistant", "tool"]
AttemptKind = Literal[
    "primary", "retry", "fallback", "hedge", "continue", "audit", "summary", "escalate", "judge"
]
Priority = Literal["interactive", "batch"]
CacheUse = Literal["use", "refresh", "bypass"]


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may ask for; `parameters` is the JSON schema of its arguments.

    `strict` asks the provider to hold its arguments to that schema.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of the conversation, as text.

    The assistant's may ask for tools (`tool_calls`); a turn of role "tool" is the result of the call
    `tool_call_id`.
    """

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """One provider's model that a call can be sent to.

    `max_output_tokens` and `context_tokens` are the model's own limits: what a prompt is adapted to.
    `prefill` says that it goes on from a last message of the assistant, `tools` and `json` that it can call
    tools and reply in JSON; `region` is where it answers, "" when that is not known; `tier` is its place
    among models for a router, "" when there is none.
    """

    name: str
    provider: str
    model: str
    timeout_s: float = inf
    max_output_tokens: int = 4096
    context_tokens: int = 128_000
    prefill: bool = True
    tools: bool = True
    json: bool = True
    region: str = ""
    tier: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """What the user asked for, plus what the layers above have decided so far.

    `deadline_s` is a moment on the event loop's clock after which nobody waits for the answer any more.
    `tool_choice` is "auto", "none", "required" or the name of the one tool to call. `json_schema` asks for a
    reply in JSON: `{}` for any object, otherwise an instance of that schema, held to it by the provider if
    `json_strict` and it can. `residency` is the region that the call must stay in.
    `cache`: "refresh" takes no answer from a cache but leaves one there, "bypass" does neither. `hint` is
    what the caller knows of how hard the question is; only a router that says so looks at it.
    `tenant` is on whose behalf it is asked, `key` names the credential it came with, never the credential.
    `only` names the targets that it may go to, () for all of the chain.
    `route` is the order in which a router wants the targets tried (empty: the chain's own); `elsewhere` says
    that it will ask others if none of them answers.
    `prefill` is what the reply has begun with elsewhere: the provider is to go on from there. `insist` asks a
    target even if its breaker is open; `caching` helps providers to find the prompt in their caches.
    `target`, `attempt_kind`, `backoff_s`, `attempt` and `provider_key` (the name of our own key to ask with,
    "" for the only one) are filled in on the way down; `facts` is the call's own notebook, shared by all its
    attempts; `counter` counts the tokens of a text, None for four characters each; `purse` holds what budgets
    have reserved for it.
    """

    id: str
    messages: tuple[Message, ...]
    facts: "CallFacts"
    model: str = ""
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    parallel_tool_calls: bool = True
    json_schema: Mapping[str, Any] | None = None
    json_strict: bool = False
    residency: str = ""
    stream: bool = True
    tenant: str = ""
    key: str = ""
    priority: Priority = "interactive"
    cache: CacheUse = "use"
    hint: str = ""
    deadline_s: float = inf
    prefill: str = ""
    insist: bool = False
    only: tuple[str, ...] = ()
    caching: CacheHints = NO_HINTS
    route: tuple[Target, ...] = ()
    elsewhere: bool = False
    target: Target | None = None
    attempt_kind: AttemptKind = "primary"
    provider_key: str = ""
    backoff_s: float = 0.0
    attempt: "AttemptFacts | None" = field(default=None, compare=False)
    counter: Callable[[str], int] | None = field(default=None, compare=False)
    purse: "Purse | None" = field(default=None, compare=False)

    def at(self, target: Target) -> "Call":
        """This call, addressed to `target`."""
        return replace(self, target=target)

    @property
    def addressed_to(self) -> Target:
        """The target chosen by a layer above; asking before one was chosen is a bug in the stack's order."""
        if self.target is None:
            raise RuntimeError(f"call {self.id}: no target chosen yet; put fallback above this layer")
        return self.target


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
