"""The errors of one step: the load generator's measurements minus the known schedule of the provider."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from reports.analysis.machine import doubt_of
from reports.analysis.offered_load import offered_load
from reports.record.machine import CalibrationStep, ErrorSpread
from reports.stats.intervals import nearest_rank

from .ladders import Step

Row = Mapping[str, Any]
_COLUMNS = ("planned_s", "started_s", "end_s", "outcome")


def measured_step(step: Step, rows: Sequence[Row], ledger: Mapping[str, Row]) -> CalibrationStep:
    """`rows`: the client's rows of the step's planned calls. `ledger`: the provider's rows by call id.

    Known: a call's first content is due `first_scheduled_s - received_s` after its planned start, and so on
    to the last, at equal distances. So a call that is sent, received, answered or read late shows as a
    positive error, and one that ends too early as a negative one.
    """
    whole = [(row, ledger[row["call_id"]]) for row in rows if _is_whole(row, ledger.get(row["call_id"]))]
    load = offered_load(
        pd.DataFrame([{name: row[name] for name in _COLUMNS} for row in rows], columns=_COLUMNS)
    )
    found = CalibrationStep(
        ladder=step.ladder,
        busiest_per_s=load.busiest_per_s,
        in_flight=load.in_flight,
        calls=len(rows),
        unanswered=len(rows) - len(whole),
        send_lag_s_p99=_percentile((row["started_s"] - row["planned_s"] for row in rows if _sent(row)), 0.99),
        provider_late_s_p99=_percentile((time for _, paid in whole for time in _provider_late_s(paid)), 0.99),
        ttft=_spread(_ttft_error_s(row, paid) for row, paid in whole),
        itl=_spread(error for row, paid in whole for error in _itl_errors_s(row, paid)),
        total=_spread(_total_error_s(row, paid) for row, paid in whole),
    )
    return found.model_copy(update={"doubt": doubt_of(found)})


def _is_whole(row: Row, paid: Row | None) -> bool:
    """Whether a call was answered with every content that the provider was to send."""
    return (
        paid is not None
        and row["outcome"] == "success"
        and paid["first_sent_s"] is not None
        and len(row["chunk_s"]) == paid["chunks_planned"] == paid["chunks_sent"]
    )


def _sent(row: Row) -> bool:
    return row["started_s"] is not None


def _ttft_error_s(row: Row, paid: Row) -> float:
    known_s = paid["first_scheduled_s"] - paid["received_s"]
    return float(row["first_s"] - row["planned_s"] - known_s)


def _total_error_s(row: Row, paid: Row) -> float:
    known_s = paid["last_scheduled_s"] - paid["received_s"]
    return float(row["end_s"] - row["planned_s"] - known_s)


def _itl_errors_s(row: Row, paid: Row) -> Iterable[float]:
    gaps = paid["chunks_planned"] - 1
    if gaps < 1:
        return ()
    known_s = (paid["last_scheduled_s"] - paid["first_scheduled_s"]) / gaps
    errors: list[float] = (np.diff(np.asarray(row["chunk_s"], np.float64)) - known_s).tolist()
    return errors


def _provider_late_s(paid: Row) -> tuple[float, float]:
    return (
        paid["first_sent_s"] - paid["first_scheduled_s"],
        paid["last_sent_s"] - paid["last_scheduled_s"],
    )


def _spread(values: Iterable[float]) -> ErrorSpread:
    ordered = np.sort(np.fromiter(values, np.float64))
    p01, p50, p99 = (nearest_rank(ordered, q) for q in (0.01, 0.50, 0.99))
    return ErrorSpread(p01_s=_rounded(p01), p50_s=_rounded(p50), p99_s=_rounded(p99), n=len(ordered))


def _percentile(values: Iterable[float], q: float) -> float | None:
    return _rounded(nearest_rank(np.sort(np.fromiter(values, np.float64)), q))


def _rounded(value: float | None) -> float | None:
    """To the microsecond: below it is noise."""
    return None if value is None else round(value, 6)
