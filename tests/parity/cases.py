"""Every outcome of a request, and how each looks from outside.

The expectations are written independently of the code, so that two engines with the same error do not pass.
"""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.parity.worlds import PROTOCOLS, PROVIDERS

HINT_S = 0.3
"""What a rate-limited client is told to wait, about; Anthropic tells whole seconds only."""
MOST_HINT_S = 0.5
"""The longest hint that the stacks here wait for."""


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of failure. `kind` is the stack's error kind (None: no error)."""

    name: str
    fault: dict[str, Any] | None = None
    kind: str | None = None
    status: int = 200
    limited: bool = False

    @property
    def calls(self) -> int:
        """A limit of one needs a second call to show."""
        return 2 if self.limited else 1

    def status_from(self, provider: str) -> int:
        """The HTTP status of a refusal."""
        overloaded = self.name == "outage"
        return (529 if provider == "anthropic" else 503) if overloaded else self.status


def http_error(status: int, kind: str) -> Case:
    return Case(f"http {status}", {"kind": "http_error", "status": status}, kind, status)


CASES = (
    Case("none"),
    Case("outage", {"kind": "outage"}, "overloaded"),
    http_error(400, "bad_request"),
    http_error(401, "auth"),
    http_error(403, "auth"),
    http_error(404, "not_found"),
    http_error(408, "server_error"),
    http_error(429, "rate_limited"),
    http_error(500, "server_error"),
    http_error(502, "server_error"),
    http_error(503, "overloaded"),
    http_error(529, "overloaded"),
    Case("brownout", {"kind": "brownout", "extra_s": 0.01, "slowdown": 1.5}),
    Case("hang", {"kind": "hang", "hold_s": 0.02}, "connection", 0),
    Case("reset after 0", {"kind": "reset", "after_chunks": 0}, "connection"),
    Case("reset after 3", {"kind": "reset", "after_chunks": 3}, "connection"),
    Case("rate limit", None, "rate_limited", 429, limited=True),
)
NEVER_RETRIED = ("auth", "bad_request", "not_found")

every_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
every_provider = pytest.mark.parametrize("provider", PROVIDERS)
every_protocol = pytest.mark.parametrize("provider", PROTOCOLS)
both_modes = pytest.mark.parametrize("stream", [True, False], ids=["stream", "json"])


def limits(case: Case) -> dict[str, Any]:
    """One request, and the next `HINT_S` later."""
    limit = {"requests_per_min": round(60 / HINT_S), "burst_s": HINT_S}
    return {"limits": limit} if case.limited else {}


def faults_at(case: Case, provider: str) -> list[dict[str, Any]]:
    """The case's fault, at that provider only."""
    return [] if case.fault is None else [case.fault | {"provider": provider}]


def cut_chunks(case: Case, *, stream: bool) -> int | None:
    """Chunks sent before the reply is cut (0: none); None if it is not cut."""
    if case.fault is None or case.fault["kind"] != "reset":
        return None
    return int(case.fault["after_chunks"]) if stream else 0


def breaks_after_commit(case: Case, *, stream: bool) -> bool:
    """Whether the failure comes after the caller has received text, when a retry is impossible."""
    return bool(cut_chunks(case, stream=stream))
