"""What a stack knows of its targets, for those who watch it: breakers and keys, as JSON-ready values."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..limits.api_keys import ApiKeys
from ..resilience.breaker import Breaker


class Watched(NamedTuple):
    """The parts of one target that have a state to show; None: it has no such part."""

    name: str
    breaker: Breaker | None = None
    keys: ApiKeys | None = None


async def health(watched: Sequence[Watched], now: float) -> dict[str, Any]:
    """`{"ok": true, "targets": {NAME: {"breaker": …, "keys": {NAME: …}}}}`.

    A breaker tells its `state` (closed, open, half-open) and `cooldown_s` until it may be asked again; a key
    whether it is `in_use`, else `why` not (an error kind) and for how long, `rest_s`.
    """
    return {"ok": True, "targets": {target.name: await _target(target, now) for target in watched}}


async def _target(target: Watched, now: float) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if target.breaker is not None:
        circuit = await target.breaker.circuit()
        told["breaker"] = {
            "state": circuit.state(now),
            "cooldown_s": round(circuit.cooldown_s(now), 3),
        }
    if target.keys is not None:
        cooldowns = await target.keys.cooldowns()
        told["keys"] = {
            name: {"in_use": True}
            if cooldown.until_s <= now
            else {"in_use": False, "why": cooldown.kind, "rest_s": round(cooldown.until_s - now, 3)}
            for name, cooldown in cooldowns.items()
        }
    return told
