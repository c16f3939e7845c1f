"""Counts of a server's replies since the last reset, as vLLM's metrics have them: by model, with
histograms.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..plan import Plan

_TTFT_S = (
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0,
    80.0, 160.0, 640.0, 2560.0,
)  # fmt: skip
_GAP_S = (
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
)  # fmt: skip
_WHOLE_S = (
    0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0,
    960.0, 1920.0, 7680.0,
)  # fmt: skip
_TOKENS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000)
BUCKETS: Mapping[str, tuple[float, ...]] = {
    "time_to_first_token_seconds": _TTFT_S,
    "inter_token_latency_seconds": _GAP_S,
    "e2e_request_latency_seconds": _WHOLE_S,
    "request_queue_time_seconds": _WHOLE_S,
    "request_prompt_tokens": _TOKENS,
    "request_generation_tokens": _TOKENS,
}
"""Upper bounds of the buckets of each histogram, vLLM's own (vllm/v1/metrics/loggers.py)."""


@dataclass
class Histogram:
    """Counts of values up to each bound, of all values, and their sum."""

    bounds: tuple[float, ...]
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def add(self, value: float, times: int = 1) -> None:
        """Count a value so many times."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.total += value * times


@dataclass
class ModelMetrics:
    """The counts of one model."""

    in_flight: int = 0
    prompt_tokens: int = 0
    generation_tokens: int = 0
    cached_tokens: int = 0
    finished: Counter[str] = field(default_factory=Counter)
    histograms: dict[str, Histogram] = field(
        default_factory=lambda: {name: Histogram(bounds) for name, bounds in BUCKETS.items()}
    )

    def begin(self, plan: Plan) -> None:
        """A reply has been planned."""
        self.in_flight += 1
        self.prompt_tokens += plan.input_tokens
        self.cached_tokens += plan.cached_input_tokens

    def end(self, plan: Plan, output_tokens: int) -> None:
        """It has ended, `output_tokens` of it sent; one that its client left counts as aborted."""
        self.in_flight -= 1
        self.generation_tokens += output_tokens
        whole = plan.ends == "complete" and output_tokens >= plan.output_tokens
        finish = plan.choices[0].finish if plan.choices else "stop"
        self.finished[("length" if finish == "length" else "stop") if whole else "abort"] += 1
        values = {
            "time_to_first_token_seconds": plan.ttft_s,
            "e2e_request_latency_seconds": plan.ends_s,
            "request_queue_time_seconds": plan.queued_s,
            "request_prompt_tokens": plan.input_tokens,
            "request_generation_tokens": output_tokens,
        }
        for name, value in values.items():
            self.histograms[name].add(value)
        if output_tokens > 1:
            gap_s = max(0.0, plan.ends_s - plan.ttft_s) / (output_tokens - 1)
            self.histograms["inter_token_latency_seconds"].add(gap_s, output_tokens - 1)


class ServerMetrics:
    """The counts of each model of a server, by its canonical id."""

    def __init__(self) -> None:
        self.models: dict[str, ModelMetrics] = {}

    def of(self, model_id: str) -> ModelMetrics:
        """The counts of one model."""
        return self.models.setdefault(model_id, ModelMetrics())
