"""Backoff: the delay before a retry. Pure; the jitter's draw is an argument.

| backoff | delay before the n-th retry (n from 0) | source |
| --- | --- | --- |
| none | no retry at all | |
| fixed | base | |
| exponential | min(base · 2ⁿ, cap): clients that failed together retry together | |
| exponential_jitter | min(base · 2ⁿ + U(0, jitter), cap) | the usual formula of guides to LLM APIs |
| full_jitter | U(0, min(cap, base · 2ⁿ)): spreads retries best | AWS, below |
| decorrelated | min(cap, U(base, 3 · previous delay)) | AWS, below |

M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

from typing import Literal

Backoff = Literal["none", "fixed", "exponential", "exponential_jitter", "full_jitter", "decorrelated"]


def backoff_s(
    backoff: Backoff,
    n: int,
    u: float,
    *,
    base_s: float,
    cap_s: float,
    jitter_s: float,
    previous_s: float,
) -> float | None:
    """Seconds before the n-th retry (from 0), None for no retry; `u` in [0, 1) is the jitter's draw."""
    grown_s = base_s * 2.0 ** min(n, 64)
    match backoff:
        case "none":
            return None
        case "fixed":
            return min(base_s, cap_s)
        case "exponential":
            return min(grown_s, cap_s)
        case "exponential_jitter":
            return min(grown_s + u * jitter_s, cap_s)
        case "full_jitter":
            return u * min(grown_s, cap_s)
        case "decorrelated":
            longest_s = max(base_s, 3.0 * (previous_s or base_s))
            return min(cap_s, base_s + u * (longest_s - base_s))
