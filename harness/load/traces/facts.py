"""The table of what was read from a trace, for the manifest and the terminal."""

from collections.abc import Sequence
from math import ceil
from pathlib import Path

from reports.record.trace_read import TokenCounts, TraceRead

from ..trace import TraceRow
from .formats import Layout
from .options import TraceOptions


def read_facts(
    path: Path,
    layout: Layout,
    options: TraceOptions,
    rows: Sequence[TraceRow],
    played: Sequence[TraceRow],
    *,
    late: int,
    played_s: float | None,
) -> TraceRead:
    """The table. `rows` are the part that was read, at played times; `played` those after `scale`.

    `played_s` is the length of the played part in seconds, None to take the time of the last call.
    """
    span_s = (rows[-1].at_s - rows[0].at_s) * options.speed
    length_s = played_s or played[-1].at_s if played else None
    return TraceRead(
        file=path.name,
        format=layout.format or "named columns",
        columns=dict(layout.columns.items()),
        from_s=options.slice.from_s,
        to_s=options.slice.to_s,
        speed=options.speed,
        scale=options.scale,
        rows=len(rows),
        rows_out_of_order=late,
        rows_without_output=sum(row.output_tokens == 0 for row in rows),
        span_s=span_s,
        input_tokens=_counts([row.input_tokens for row in rows]),
        output_tokens=_counts([row.output_tokens for row in rows]),
        sessions=len({row.session for row in rows} - {""}) if "session" in layout.columns else None,
        shared_input_share=_shared_share(rows, layout) if "prefix" in layout.columns else None,
        calls=len(played),
        rate_per_s=len(played) / length_s if length_s else None,
    )


def _counts(tokens: list[int]) -> TokenCounts:
    ordered = sorted(tokens)

    def at(quantile: float) -> int:
        return ordered[ceil(quantile * len(ordered)) - 1]

    return TokenCounts(total=sum(ordered), p50=at(0.5), p95=at(0.95), max=ordered[-1])


def _shared_share(rows: Sequence[TraceRow], layout: Layout) -> float:
    """Share of input tokens in leading blocks that an earlier row had."""
    seen: set[int] = set()
    shared = 0
    for row in rows:
        known = next((n for n, key in enumerate(row.prefix) if key not in seen), len(row.prefix))
        shared += min(row.input_tokens, known * layout.block_tokens)
        seen.update(row.prefix)
    total = sum(row.input_tokens for row in rows)
    return shared / total if total else 0.0
