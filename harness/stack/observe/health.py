"""The state of a stack's targets for monitoring: breakers and API keys, as JSON-ready values."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..admission.api_keys import ApiKeys
from ..admission.breaker import Breaker


class HealthProbe(NamedTuple):
    """The parts of one target that have a state to report; None for a part it does not have."""

    name: str
    breaker: Breaker | None = None
    keys: ApiKeys | None = None


async def health(probes: Sequence[HealthProbe], now: float) -> dict[str, Any]:
    """`{"ok": true, "targets": {NAME: {"breaker": …, "keys": {NAME: …}}}}`.

    A breaker reports its `state` (closed, open, half-open) and `cooldown_s` until the next probe; a key
    whether it is `in_use`, else `why` not (an error kind) and for how many seconds, `rest_s`.
    """
    return {"ok": True, "targets": {probe.name: await _target(probe, now) for probe in probes}}


async def _target(probe: HealthProbe, now: float) -> dict[str, Any]:
    report: dict[str, Any] = {}
    if probe.breaker is not None:
        circuit = await probe.breaker.circuit()
        report["breaker"] = {
            "state": circuit.state(now),
            "cooldown_s": round(circuit.cooldown_s(now), 3),
        }
    if probe.keys is not None:
        cooldowns = await probe.keys.cooldowns()
        report["keys"] = {
            name: {"in_use": True}
            if cooldown.until_s <= now
            else {"in_use": False, "why": cooldown.kind, "rest_s": round(cooldown.until_s - now, 3)}
            for name, cooldown in cooldowns.items()
        }
    return report
