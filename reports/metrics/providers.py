"""Load on the providers by their own ledger: arrivals at once, and use of their limits."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from reports.record.manifest import Limit

from .basis.facts import Facts, floats, total
from .basis.registry import STACK, metric


@metric(
    "limiter_utilisation",
    group=STACK,
    label="Provider's limit used",
    unit="share",
    minor=True,
    needs=["ledger"],
)
def limiter_utilisation(facts: Facts) -> float | None:
    """Of what the provider's own limit could let in while the load lasted, a full bucket at first included,
    the share that it let in; of several limits, the one used most."""
    if facts.window_s is None:
        return None
    rows = live(facts)
    shares: list[float] = []
    for limit in facts.manifest.limits:
        received = rows[(rows["provider"] == limit.provider) & (rows["model"] == limit.model)]
        shares += _shares(facts, limit, received, facts.window_s) if len(received) else ()
    return max(shares, default=None)


@metric(
    "peak_arrivals_per_s",
    group=STACK,
    label="Most requests in a second",
    unit="count",
    better="lower",
    needs=["ledger"],
)
def peak_arrivals_per_s(facts: Facts) -> int:
    """The most requests that any one provider received within one second, wherever that second begins."""
    most = 0
    for _, rows in live(facts).groupby("provider"):
        received_s = np.sort(floats(rows, "received_s"))
        within = np.searchsorted(received_s, received_s + 1.0, side="left") - np.arange(len(received_s))
        most = max(most, int(within.max()))
    return most


def live(facts: Facts) -> pd.DataFrame:
    """Requests that came in one by one, without the lines of a batch."""
    return facts.ledger[facts.ledger["batch_id"].isna()]


def _shares(facts: Facts, limit: Limit, received: pd.DataFrame, window_s: float) -> Iterator[float]:
    """Of each limit per minute, the share that was let in.

    A limit lets in what flows into its bucket over the measured window, plus `burst_s` for the bucket that is
    full at first. Let in is every request received in the window and not refused with a 4xx. Where input and
    output tokens share a limit, a request counts as the larger of its prompt and its max_tokens, as OpenAI
    counts. A limit per key exists once for each key that was let in.
    """
    begins_s = facts.manifest.warmup_s
    in_window = (received["received_s"] >= begins_s) & (received["received_s"] < begins_s + window_s)
    admitted = received[in_window & ~received["status"].between(400, 499)]
    scopes = max(1, admitted["key_id"].nunique()) if limit.scope == "key" else 1
    minutes = (window_s + limit.burst_s) / 60.0 * scopes
    max_tokens = facts.manifest.max_tokens
    tokens = None if max_tokens is None else int(admitted["input_tokens"].clip(max_tokens).sum())
    for per_min, used in (
        (limit.requests_per_min, len(admitted)),
        (limit.tokens_per_min, tokens),
        (limit.input_tokens_per_min, total(admitted, "input_tokens")),
        (limit.output_tokens_per_min, total(admitted, "output_tokens")),
    ):
        if per_min is not None and used is not None:
            yield used / (per_min * minutes)
