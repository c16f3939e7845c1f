"""The faults: the registry of kinds, and a schedule of them read, checked and applied."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field, ValidationError

from ..exchange.draws import Draws
from ..exchange.validation import one_line
from ..plan import Plan
from ..profile import Profile, Provider
from .base import FaultBase, FaultEffects, Refusals, Target
from .brownout import Brownout
from .cache_wipe import CacheWipe
from .clock_skew import ClockSkew
from .hang import Hang
from .html_200 import Html200
from .http_error import HttpError
from .in_band_error import InBandError
from .key_revoked import KeyRevoked
from .malformed_json import MalformedJson
from .malformed_sse import MalformedSse
from .outage import Outage
from .quality_loss import QualityLoss
from .refuse import Refuse
from .region_outage import RegionOutage
from .reset import Reset
from .slow_drip import SlowDrip
from .slow_first_token import SlowFirstToken
from .stall import Stall
from .truncate import Truncate

Fault = Annotated[
    Outage
    | RegionOutage
    | HttpError
    | KeyRevoked
    | Refuse
    | Hang
    | Brownout
    | SlowFirstToken
    | SlowDrip
    | Stall
    | Reset
    | Truncate
    | MalformedJson
    | MalformedSse
    | InBandError
    | Html200
    | QualityLoss
    | CacheWipe
    | ClockSkew,
    Field(discriminator="kind"),
]
"""Any fault: for a field of a pydantic model."""

_CLASSES: tuple[type[FaultBase], ...] = (
    Outage,
    RegionOutage,
    HttpError,
    KeyRevoked,
    Refuse,
    Hang,
    Brownout,
    SlowFirstToken,
    SlowDrip,
    Stall,
    Reset,
    Truncate,
    MalformedJson,
    MalformedSse,
    InBandError,
    Html200,
    QualityLoss,
    CacheWipe,
    ClockSkew,
)

KINDS: Mapping[str, type[FaultBase]] = {cls.model_fields["kind"].default: cls for cls in _CLASSES}


class FaultError(Exception):
    """A fault schedule that cannot be used; one line: key and what was expected."""


def describe_faults() -> dict[str, str]:
    """Each kind with its one line."""
    return {kind: cls.summary for kind, cls in KINDS.items()}


def parse_faults(data: object, profile: Profile) -> tuple[FaultBase, ...]:
    """Read a schedule (a list of objects with `kind`) for the providers of `profile`; raises FaultError."""
    if not isinstance(data, list | tuple):
        raise FaultError("faults: expected a list of objects")
    return check_faults([_parse_one(item, f"faults.{nth}") for nth, item in enumerate(data)], profile)


def check_faults(faults: Iterable[FaultBase], profile: Profile) -> tuple[FaultBase, ...]:
    """The faults with models by their canonical ids; raises FaultError for names not in `profile`."""
    return tuple(_resolved(fault, profile, f"faults.{nth}") for nth, fault in enumerate(faults))


def matching_faults(
    faults: Sequence[FaultBase], target: Target, t_s: float, draws: Draws, counts: Counter[int]
) -> tuple[FaultBase, ...]:
    """The faults that strike a request, in the schedule's order; `counts` are the requests that matched."""
    of_kind: Counter[str] = Counter()
    matched = []
    for index, fault in enumerate(faults):
        nth = of_kind[fault.kind]
        of_kind[fault.kind] += 1
        if fault.matches(target, t_s):
            counts[index] += 1
            if fault.triggers(t_s, draws, nth, counts[index]):
                matched.append(fault)
    return tuple(matched)


def effects_of(matched: Sequence[FaultBase]) -> FaultEffects:
    """What the faults make of the circumstances."""
    effects = FaultEffects()
    for fault in matched:
        effects = fault.alter(effects)
    return effects


def apply_faults(matched: Sequence[FaultBase], plan: Plan, refusals: Refusals) -> Plan:
    """The plan after the faults that strike, until one has decided its fate."""
    for fault in matched:
        if not plan.decided:
            plan = fault.apply(plan, refusals)
    return plan


def _parse_one(item: Any, where: str) -> FaultBase:
    if not isinstance(item, Mapping):
        raise FaultError(f"{where}: expected an object with a kind, got {item!r}")
    kind = item.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise FaultError(f"{where}.kind: expected one of {', '.join(KINDS)}, got {kind!r}")
    try:
        return KINDS[kind].model_validate(item)
    except ValidationError as error:
        raise FaultError(f"{where}.{one_line(error)}") from None


def _resolved(fault: FaultBase, profile: Profile, where: str) -> FaultBase:
    if fault.provider is not None and fault.provider not in profile.providers:
        known = ", ".join(profile.providers)
        raise FaultError(f"{where}.provider: expected one of {known}, got {fault.provider!r}")
    if fault.model is None:
        return fault
    of = [fault.provider] if fault.provider is not None else list(profile.providers)
    for name in of:
        provider = profile.providers[name]
        if model := provider.canonical(fault.model) or provider.canonical_embedding(fault.model):
            return fault.model_copy(update={"model": model})
    known = ", ".join(model for name in of for model in _models_of(profile.providers[name]))
    raise FaultError(f"{where}.model: expected one of {known}, got {fault.model!r}")


def _models_of(provider: Provider) -> list[str]:
    return [*provider.models, *provider.embeddings]
