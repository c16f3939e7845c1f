"""The outermost layer: emits one row per call, exactly once, when the call is over.

Work of a call may outlive its reply (`CallFacts.going_on`): the row is emitted after that, with its cost.
"""

import asyncio
from collections.abc import Callable

from ..core.call import Call, Next
from ..core.errors import Rejected
from ..core.facts import CallFacts
from ..core.reply import Outcome, Reply

Sink = Callable[[CallFacts], None]


class Telemetry:
    """Records times and outcome of the call, and passes its facts to `sink`."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    async def __call__(self, call: Call, next: Next) -> Reply:
        loop = asyncio.get_running_loop()
        facts = call.facts
        facts.started_s = loop.time()
        try:
            reply = await next(call)
        except asyncio.CancelledError:
            self._emit(facts, "abandoned")
            raise
        except Exception as error:
            outcome = "rejected" if isinstance(error, Rejected) else "failed"
            self._emit(facts, outcome, error)
            raise
        facts.first_s = loop.time()
        reply.on_end(lambda outcome: self._settle(facts, outcome))
        return reply

    def _settle(self, facts: CallFacts, outcome: Outcome) -> None:
        self._emit(facts, outcome.answer, outcome.error)

    def _emit(self, facts: CallFacts, outcome: str, error: Exception | None = None) -> None:
        facts.end_s = asyncio.get_running_loop().time()
        facts.outcome = outcome
        if error is not None:
            facts.error_kind = getattr(error, "kind", type(error).__name__)
        facts.when_over(lambda: self._sink(facts))
