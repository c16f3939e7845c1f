"""Names ranked for a palette."""

from collections.abc import Iterable, Mapping


def ranked(counts: Iterable[Mapping[str, int]], most: int) -> list[str]:
    """The names of all counts, the largest sums first; beyond `most` of them the rest is "other"."""
    sums: dict[str, int] = {}
    for each in counts:
        for name, count in each.items():
            sums[name] = sums.get(name, 0) + count
    ordered = sorted(sums, key=lambda name: (-sums[name], name))
    return ordered if len(ordered) <= most else [*ordered[: most - 1], "other"]
