"""The attempts whose contents reached a call's reader."""

import pandas as pd


def continued_parts(attempts: pd.DataFrame) -> pd.DataFrame:
    """Attempts of one subject whose stream broke after its first content and was then continued by another
    attempt of the call: their part of the answer was delivered."""
    continued = attempts[attempts["kind"] == "continue"].groupby("call_id")["n"].max()
    broke = (attempts["outcome"] == "failed") & attempts["first_s"].notna()
    before = attempts["n"] < attempts["call_id"].map(continued)  # null for calls without a continuation
    return attempts[broke & before.fillna(False).astype(bool)]
