"""Running sums over the ledger's rows, for a live page that polls every second: O(1) in its length."""

from collections import Counter
from typing import Any

from .row import LedgerRow

OTHERS = "(others)"
"""The model name for rows beyond the first 200 distinct models."""

_MOST_MODELS = 200  # clients may send any name: bounds the memory
_LONGEST_NAME = 200


class ModelSums:
    """Sums for one model of a provider; money in nano-dollars."""

    __slots__ = (
        "cache_write_tokens",
        "cached_input_tokens",
        "cost_nusd",
        "errors",
        "input_tokens",
        "output_tokens",
        "requests",
    )

    def __init__(self) -> None:
        self.requests = 0
        self.errors = 0
        self.input_tokens = 0
        self.cached_input_tokens = 0
        self.cache_write_tokens = 0
        self.output_tokens = 0
        self.cost_nusd = 0

    def add(self, row: LedgerRow) -> None:
        """Count one row; every end but `complete` and `client_closed` is an error."""
        self.requests += 1
        self.errors += row.ended not in ("complete", "client_closed")
        self.input_tokens += row.input_tokens
        self.cached_input_tokens += row.cached_input_tokens
        self.cache_write_tokens += row.cache_write_tokens
        self.output_tokens += row.output_tokens
        self.cost_nusd += row.cost_nusd

    def as_dict(self) -> dict[str, int]:
        """As plain data."""
        return {name: getattr(self, name) for name in self.__slots__}


class Totals:
    """Counts of rows by status, ending and fault ("" for none), and sums by provider and model."""

    def __init__(self) -> None:
        self.by_status: Counter[int] = Counter()
        self.by_ended: Counter[str] = Counter()
        self.by_fault: Counter[str] = Counter()
        self.by_model: dict[tuple[str, str], ModelSums] = {}
        self.all = ModelSums()

    def add(self, row: LedgerRow) -> None:
        """Count one row."""
        self.by_status[row.status] += 1
        self.by_ended[row.ended] += 1
        self.by_fault[row.fault or ""] += 1
        self._sums(row.provider, row.model[:_LONGEST_NAME]).add(row)
        self.all.add(row)

    def as_dict(self) -> dict[str, Any]:
        """As plain data, keys sorted."""
        return {
            "all": self.all.as_dict(),
            "by_status": {str(status): count for status, count in sorted(self.by_status.items())},
            "by_ended": dict(sorted(self.by_ended.items())),
            "by_fault": dict(sorted(self.by_fault.items())),
            "by_model": [
                {"provider": provider, "model": model, **sums.as_dict()}
                for (provider, model), sums in sorted(self.by_model.items())
            ],
        }

    def _sums(self, provider: str, model: str) -> ModelSums:
        sums = self.by_model.get((provider, model))
        if sums is None:
            if len(self.by_model) >= _MOST_MODELS:
                model = OTHERS
            sums = self.by_model.setdefault((provider, model), ModelSums())
        return sums
