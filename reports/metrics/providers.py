"""What the providers met, by their ledger: how many at once, and how much of what they allow."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from reports.record.manifest import Limit

from .facts import Facts, floats, total
from .measures import Measure


def providers(facts: Facts) -> dict[str, Measure]:
    return {
        "peak_arrivals_per_s": peak_arrivals_per_s(facts),
        "limiter_utilisation": limiter_utilisation(facts),
    }


def live(facts: Facts) -> pd.DataFrame:
    """Requests that came in one by one: not the lines of a batch."""
    return facts.ledger[facts.ledger["batch_id"].isna()]


def peak_arrivals_per_s(facts: Facts) -> int | None:
    """The most requests that any one provider received within a second, wherever that second begins."""
    if not facts.ledger_known:
        return None
    most = 0
    for _, rows in live(facts).groupby("provider"):
        received_s = np.sort(floats(rows, "received_s"))
        within = np.searchsorted(received_s, received_s + 1.0, side="left") - np.arange(len(received_s))
        most = max(most, int(within.max()))
    return most


def limiter_utilisation(facts: Facts) -> float | None:
    """Of what a provider's own published limit could let in while the load lasted, the share that it let in.

    A limit per minute lets in what flows into its bucket over the measured window, and `burst_s` more, for
    the bucket is full at first. Let in is every request received in the window that was not refused with a
    4xx. Where tokens are limited together, a request counts as the larger of its prompt and its max_tokens,
    as OpenAI counts. A limit of a key is there once for each key that was let in. Of several limits the one
    used most is told, for that is the one that binds. None when no limit is known for what was asked.
    """
    if not facts.ledger_known or facts.window_s is None:
        return None
    rows = live(facts)
    shares: list[float] = []
    for limit in facts.manifest.limits:
        asked = rows[(rows["provider"] == limit.provider) & (rows["model"] == limit.model)]
        shares += _shares(facts, limit, asked, facts.window_s) if len(asked) else ()
    return max(shares, default=None)


def _shares(facts: Facts, limit: Limit, asked: pd.DataFrame, window_s: float) -> Iterator[float]:
    """Each of the scope's limits: what was let in of what it could let in."""
    begins_s = facts.manifest.warmup_s
    in_window = (asked["received_s"] >= begins_s) & (asked["received_s"] < begins_s + window_s)
    admitted = asked[in_window & ~asked["status"].between(400, 499)]
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
