"""The error bar of the client's clock: TTFT as the load generator saw it against what the provider sent."""

import numpy as np
import pandas as pd

from ..metrics.basis.measures import rounded
from ..record.kinds import ANSWERED_WITHOUT_ATTEMPT, AUXILIARY_KINDS
from ..record.manifest import Calibration
from ..record.parts import continued_parts
from ..stats.intervals import nearest_rank

NO_ANSWERS = (*AUXILIARY_KINDS, "audit")
"""Kinds of attempts whose content no caller sees."""


def ttft_error(calls: pd.DataFrame, attempts: pd.DataFrame, ledger: pd.DataFrame) -> Calibration:
    """The client's first content - the provider's first sent content, over the calls a provider answered.

    Frames of one subject. A call is joined on attempt_id with the attempt that its first content came
    from: the one that answered it (its last successful one of a kind that answers), or the first part of a
    continued answer.
    Left out are replays from a cache and calls that did not succeed. The time for which the subject held
    the first content back on purpose (`held_s`) is subtracted. The error includes everything between the
    two sockets, the subject's own processing too; a negative one is a client's clock that is ahead of the
    provider's. In seconds; None where n is 0.
    """
    answered = calls[(calls["outcome"] == "success") & ~calls["cache"].isin(ANSWERED_WITHOUT_ATTEMPT)]
    whole = (attempts["outcome"] == "success") & ~attempts["kind"].isin(NO_ANSWERS)
    good = attempts[whole & attempts["call_id"].isin(answered["call_id"])]
    good = good.sort_values(["call_id", "n"]).drop_duplicates("call_id", keep="last")
    begun = continued_parts(attempts[attempts["call_id"].isin(good["call_id"])])
    good = pd.concat([begun, good]).sort_values(["call_id", "n"]).drop_duplicates("call_id", keep="first")
    answers = ledger[ledger["attempt_id"].isin(good["attempt_id"])].sort_values(["attempt_id", "received_s"])
    sent_s = answers.drop_duplicates("attempt_id", keep="last").set_index("attempt_id")["first_sent_s"]
    truth_s = good.set_index("call_id")["attempt_id"].map(sent_s)
    held_s = answered["held_s"].astype(np.float64).fillna(0.0).to_numpy(np.float64)
    seen_s = answered["first_s"].to_numpy(np.float64) - held_s
    error_s = seen_s - answered["call_id"].map(truth_s).to_numpy(np.float64)
    ordered = np.sort(error_s[~np.isnan(error_s)])
    p1, p50, p99 = (nearest_rank(ordered, q) for q in (0.01, 0.50, 0.99))
    return Calibration(
        ttft_error_s_p01=None if p1 is None else rounded(p1),
        ttft_error_s_p50=None if p50 is None else rounded(p50),
        ttft_error_s_p99=None if p99 is None else rounded(p99),
        n=len(ordered),
    )
