"""An exact quantile over the latest samples. Plain values."""

from math import ceil
from typing import TypeVar

Samples = tuple[float, ...]
T = TypeVar("T")


def with_sample(samples: tuple[T, ...] | None, value: T, most: int) -> tuple[T, ...]:
    """The samples with `value` added; beyond `most`, the oldest is dropped."""
    kept = samples or ()
    return (*kept[len(kept) + 1 - most :], value) if len(kept) >= most else (*kept, value)


def quantile(samples: Samples, q: float) -> float:
    """The nearest-rank quantile `q` in (0, 1] of at least one sample."""
    return sorted(samples)[ceil(q * len(samples)) - 1]
