"""The data of the live page as JSON values; computed at every poll, in time independent of the ledger's size.

    {"profile": {"name", "title"}, "seed", "in_flight", "rows",
     "t_s": seconds since t = 0, null before it,
     "providers": [{"name", "protocol", "base_url": null when unknown, "models": [ids]}],
     "faults": [{"phase": "upcoming" | "active" | "past", ...the fault as in `GET faults`}],
     "totals": {"all": SUMS, "by_status": {"200": n}, "by_ended": {}, "by_fault": {"": n without a fault},
                "by_model": [{"provider", "model", ...SUMS}]},
     "last": [the newest 20 rows, newest first: {"received_s", "ttft_s", "took_s", "provider", ...}]}

SUMS are requests, errors, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens,
cost_nusd (nano-dollars).
"""

from collections.abc import Mapping
from typing import Any

from pydantic_core import PydanticUndefined, to_jsonable_python

from ..faults import KINDS
from ..faults.base import FaultBase
from ..ledger.row import LedgerRow
from .controls import MockControls

_LAST_ROWS = 20
_LONGEST_TEXT = 200
_COPIED = ("endpoint", "stream", "status", "fault", "ended", "input_tokens", "output_tokens", "cost_nusd")


def live_stats(app: MockControls, t_s: float | None, base_urls: Mapping[str, str]) -> dict[str, Any]:
    """The page's data; `t_s`: now, in seconds since t = 0, None when it is not set."""
    profile, ledger = app.profile, app.ledger
    return {
        "profile": {"name": profile.name, "title": profile.title},
        "seed": app.seed,
        "t_s": t_s,
        "in_flight": app.in_flight,
        "rows": len(ledger),
        "providers": [
            {
                "name": name,
                "protocol": provider.protocol,
                "base_url": base_urls.get(name),
                "models": list(provider.models),
            }
            for name, provider in profile.providers.items()
        ],
        "faults": [{"phase": phase(fault, t_s or 0.0), **fault_as_dict(fault)} for fault in app.faults],
        "totals": ledger.totals.as_dict(),
        "last": [_short(row) for row in reversed(ledger.rows[-_LAST_ROWS:])],
    }


def fault_kinds() -> dict[str, Any]:
    """`{kind: {"summary": its one line, "options": {name: default}}}`.

    Options without those of target and window; a required one has the default null.
    """
    shared = ("kind", "provider", "model", "from_s", "to_s", "probability")
    return {
        kind: {
            "summary": of.summary,
            "options": {
                name: None if field.default is PydanticUndefined else to_jsonable_python(field.default)
                for name, field in of.model_fields.items()
                if name not in shared
            },
        }
        for kind, of in KINDS.items()
    }


def fault_as_dict(fault: FaultBase) -> dict[str, Any]:
    """A fault as JSON values."""
    return fault.model_dump(mode="json")


def phase(fault: FaultBase, t_s: float) -> str:
    """The state of the fault's window at `t_s`: upcoming, active or past."""
    if t_s < fault.from_s:
        return "upcoming"
    return "active" if fault.to_s is None or t_s < fault.to_s else "past"


def _short(row: LedgerRow) -> dict[str, Any]:
    def since_received(at_s: float | None) -> float | None:
        return None if at_s is None else at_s - row.received_s

    return {
        "received_s": row.received_s,
        "ttft_s": since_received(row.first_sent_s),
        "took_s": since_received(row.last_sent_s),
        "provider": row.provider,
        "model": row.model[:_LONGEST_TEXT],
        "error": row.error and row.error[:_LONGEST_TEXT],
        **{name: getattr(row, name) for name in _COPIED},
    }
