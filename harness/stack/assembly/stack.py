"""A built stack: make calls, ask them, close it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import httpx

from ..config.durations import seconds_of
from ..core.background import Background
from ..core.call import ANYBODY, Call, Caller, Next
from ..core.facts import CallFacts
from ..core.parameters import without_neutral
from ..core.request import Message, Request
from ..core.tokens import counter_named
from ..observe.health import HealthProbe, health
from .options import StackOptions


class Stack:
    """A built stack. `ask(call)` runs a call through all layers; `call` makes one, `aclose` ends all."""

    def __init__(
        self,
        options: StackOptions,
        ask: Next,
        transport: httpx.AsyncBaseTransport,
        background: Background | None = None,
        probes: Sequence[HealthProbe] = (),
    ) -> None:
        self.options = options
        self.ask = ask
        self._transport = transport
        self._background = background or Background()
        self._probes = probes
        self._counter = counter_named(options.cost.tokens)
        self._asked = 0

    def call(
        self,
        id: str,
        messages: tuple[Message, ...],
        now: float,
        caller: Caller = ANYBODY,
        deadline: float | str | None = None,
        **request: Any,
    ) -> Call:
        """A call with its own facts.

        `request` are further fields of `Request`: model, max_tokens, temperature, top_p, stop, stream, tools…
        `parameters={"seed": 1}` are OpenAI's other parameters (`core/parameters.py`).
        `now` is the loop's clock. The deadline is `now` plus `deadline` (seconds, or a text such as "24h"),
        by default plus `deadlines.total_s`; it replaces that of `caller`.
        """
        request["parameters"] = without_neutral(request.get("parameters", {}))
        deadline_s = now + (self.options.deadlines.total_s if deadline is None else seconds_of(deadline))
        return Call(
            id,
            Request(messages, **request),
            CallFacts(call_id=id, tenant=caller.tenant),
            caller=replace(caller, deadline_s=deadline_s),
            counter=self._counter,
        )

    async def health(self, now: float) -> dict[str, Any]:
        """The state of breakers and keys at `now` (the loop's clock): see `health.py`."""
        return await health(self._probes, now)

    def next_id(self) -> str:
        """An id for a call that came without one: a running number."""
        self._asked += 1
        return f"call-{self._asked:06d}"

    async def aclose(self) -> None:
        """End what goes on in the background and close the connections. Replies still open break."""
        await self._background.aclose()
        await self._transport.aclose()
