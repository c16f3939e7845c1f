"""The facts of a call for the client: as `x-brownout-*` headers and as an SSE comment."""

from collections.abc import Mapping

import orjson

from ..core.facts import CallFacts
from .chunks import comment


def fact_values(facts: CallFacts) -> dict[str, str | int | None]:
    """The facts that a client sees; `policy` and `tier` only if a router decided, `dropped` only if settings
    of the request were left out.
    """
    answered_by = facts.answered_by
    routed = {} if facts.route_tier is None else {"policy": facts.route_policy, "tier": facts.route_tier}
    return {
        "call_id": facts.call_id,
        "provider": None if answered_by is None else answered_by.provider,
        "model": None if answered_by is None else answered_by.model,
        "cache": facts.cache,
        "attempts": len(facts.attempts),
        "cost_nusd": facts.cost_nusd,
        **routed,
        **({"dropped": ", ".join(facts.dropped)} if facts.dropped else {}),
    }


def fact_headers(facts: CallFacts, *, final: bool) -> dict[str, str]:
    """The facts as headers; the cost only if `final`: a stream's is unknown when its headers are sent."""
    values = fact_values(facts)
    if not final:
        del values["cost_nusd"]
    named = {f"x-brownout-{key.replace('_', '-')}": str(v) for key, v in values.items() if v is not None}
    return {"x-request-id": facts.call_id} | named


def fact_comment(facts: CallFacts, request_headers: Mapping[str, str]) -> bytes:
    """The facts as an SSE comment, `: brownout {json}`, if the request wants it; else nothing."""
    if request_headers.get("x-brownout-facts", "").strip().lower() != "comment":
        return b""
    return comment(b"brownout " + orjson.dumps(fact_values(facts)))
