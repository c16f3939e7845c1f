"""Lengths of prompts and replies in tokens: lognormals fitted to public traces, drawn per question.

| name | input ln μ, σ, cap | output ln μ, σ, cap | fitted to |
| --- | --- | --- | --- |
| `azure-conversation` | 6.63, 0.99, 14,050 | 5.02, 0.86, 1,000 | Azure LLM 2023 conversation, 19,366 calls |
| `azure-code` | 7.00, 1.36, 7,437 | 2.79, 0.85, 1,899 | Azure LLM 2023 code, 8,819 calls |
| `mooncake-conversation` | 8.74, 1.20, 126,195 | 5.34, 1.36, 2,000 | Mooncake conversation, 12,031 calls |
| `servegen-m-large` | 6.24, 1.18, 5,452 | 3.64, 2.05, 872 | ServeGen, m-large |

A cap is the longest call of the trace (for ServeGen its 99th percentile), because a lognormal's tail exceeds
every context window. Input and output are drawn independently: in the traces they are uncorrelated.
"""

from dataclasses import dataclass
from math import exp
from statistics import NormalDist
from typing import Literal

from ..draws import unit

LengthsName = Literal["azure-conversation", "azure-code", "mooncake-conversation", "servegen-m-large"]
_STANDARD_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Lognormal:
    """A capped lognormal over whole tokens: `mu` and `sigma` of the logarithm, lengths from 1 to `cap`."""

    mu: float
    sigma: float
    cap: int

    def at(self, quantile: float) -> int:
        """The length at this quantile (strictly between 0 and 1), in tokens."""
        tokens = exp(self.mu + self.sigma * _STANDARD_NORMAL.inv_cdf(quantile))
        return min(self.cap, max(1, round(tokens)))


@dataclass(frozen=True, slots=True)
class Lengths:
    """The lengths of one kind of traffic, and the source of the figures."""

    input: Lognormal
    output: Lognormal
    source: str

    def of(self, seed: int, identity: str) -> tuple[int, int]:
        """(input, output) tokens drawn for this identity: a question, or one call."""
        return (
            self.input.at(unit(seed, "input tokens", identity)),
            self.output.at(unit(seed, "output tokens", identity)),
        )


LENGTHS: dict[LengthsName, Lengths] = {
    "azure-conversation": Lengths(
        Lognormal(6.63, 0.99, 14_050),
        Lognormal(5.02, 0.86, 1_000),
        "fitted to the Azure LLM 2023 conversation trace",
    ),
    "azure-code": Lengths(
        Lognormal(7.00, 1.36, 7_437),
        Lognormal(2.79, 0.85, 1_899),
        "fitted to the Azure LLM 2023 code trace",
    ),
    "mooncake-conversation": Lengths(
        Lognormal(8.74, 1.20, 126_195),
        Lognormal(5.34, 1.36, 2_000),
        "fitted to the Mooncake conversation trace",
    ),
    "servegen-m-large": Lengths(
        Lognormal(6.24, 1.18, 5_452),
        Lognormal(3.64, 2.05, 872),
        "fitted to ServeGen m-large",
    ),
}
