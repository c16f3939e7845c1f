"""More or fewer calls than were recorded: `scale` 0.5 leaves half of the rows out, 2.0 plays each twice.

The first copy of a row starts at its own time, each other one at a drawn moment between it and the next row,
so the load keeps its shape and copies do not come in pairs. Copies are other users: their conversations and
the blocks of their prompts are their own. Rows of one conversation are left out or repeated together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..draws import bits, unit
from ..trace import TraceRow


def scaled(rows: Sequence[TraceRow], scale: float, seed: int) -> Iterator[TraceRow]:
    """The rows to play, in order of time. Draws are keyed by the row's number, or by its conversation."""
    if scale == 1.0:
        yield from rows
        return
    ends = [*(row.at_s for row in rows[1:]), *(row.at_s for row in rows[-1:])]
    for n, (row, end_s) in enumerate(zip(rows, ends, strict=True)):
        key = ("session", row.session) if row.session else ("row", n)
        copies = int(scale) + (unit(seed, "trace scale", *key) < scale - int(scale))
        moved = [_copy(row, k, seed, n, end_s) for k in range(1, copies)]
        yield from [row][:copies]
        yield from sorted(moved, key=lambda copy: copy.at_s)


def _copy(row: TraceRow, k: int, seed: int, n: int, end_s: float) -> TraceRow:
    return replace(
        row,
        at_s=row.at_s + unit(seed, "trace copy", n, k) * (end_s - row.at_s),
        session=f"{row.session}#{k}" if row.session else "",
        prefix=tuple(bits(0, "copy of a block", k, key) for key in row.prefix),
    )
