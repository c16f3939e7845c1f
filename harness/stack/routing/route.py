"""Routing: which tier of targets a call goes to first; the fallback chain does the rest.

A policy decides before anything is sent, from the call alone or from earlier calls, and may learn from this
call when it is over. The decision and its reason are on the call's facts.
"""

from typing import Protocol

from ..core.call import Call, Next
from ..core.facts import CallFacts
from ..core.reply import Reply
from .tiers import Decision


class Policy(Protocol):
    """Chooses a tier for each call."""

    @property
    def name(self) -> str:
        """The policy's name on the facts."""
        ...

    async def decide(self, call: Call) -> Decision:
        """Choose the order of targets for this call."""
        ...

    def learn(self, facts: CallFacts) -> None:
        """Learn from a finished call; called once, when its reply has ended or none came."""
        ...


def note(facts: CallFacts, policy: str, decision: Decision) -> None:
    """Put a decision on the call's facts."""
    facts.route_policy = policy
    facts.route_tier = decision.tier
    facts.route_rank = decision.rank
    facts.route_score = decision.score
    facts.route_why = decision.why


class Route:
    """Asks the policy, and passes the call on with its targets in the decided order."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    async def __call__(self, call: Call, next: Next) -> Reply:
        facts = call.facts
        decision = await self._policy.decide(call)
        note(facts, self._policy.name, decision)
        try:
            reply = await next(call.with_routing(order=decision.order))
        except BaseException:
            self._learn(call)
            raise
        reply.on_end(lambda outcome: self._learn(call))
        return reply

    def _learn(self, call: Call) -> None:
        """A whole reply has no first token to learn from."""
        if call.request.stream:
            self._policy.learn(call.facts)
