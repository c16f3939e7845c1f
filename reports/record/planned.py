"""The identity of a plan: a digest that the plan and the recorded calls share."""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd


class PlanRow(NamedTuple):
    """A call as its plan decides it and as the calls table records it."""

    n: int
    call_id: str
    planned_s: float
    tenant: str
    question_id: str | None
    input_tokens: int


def plan_sha256(rows: Iterable[PlanRow]) -> str:
    """SHA-256 over the rows in the order of `n`: 64 hex digits."""
    digest = hashlib.sha256(b"brownout plan 1")
    for row in sorted(rows):
        digest.update(repr(tuple(row)).encode())
    return digest.hexdigest()


def recorded_plan_sha256(calls: pd.DataFrame) -> str:
    """The digest of the plan that one subject's recorded calls were made by."""
    columns = [calls[name].astype(object).where(calls[name].notna(), None) for name in PlanRow._fields]
    return plan_sha256(map(PlanRow._make, zip(*columns, strict=True)))
