"""The table of what was read from a trace, as lines for page and terminal."""

from ..record.trace_read import TokenCounts, TraceRead
from . import format as text


def trace_lines(read: TraceRead) -> list[tuple[str, str]]:
    """(label, value) of each fact."""
    columns = ", ".join(f"{use} {name}" for use, name in read.columns.items())
    end = "its end" if read.to_s is None else f"{read.to_s:g} s"
    rate = "" if read.rate_per_s is None else f", {read.rate_per_s:.3g} calls/s"
    lines = [
        ("Trace", f"{read.file} ({read.format}; {columns})"),
        ("Part", f"{read.from_s:g} s to {end}"),
        ("Rows", f"{read.rows:,} over {read.span_s:,.6g} s{_odd_rows(read)}"),
        ("Input tokens", _counts(read.input_tokens)),
        ("Output tokens", _counts(read.output_tokens)),
        ("Sessions", None if read.sessions is None else f"{read.sessions:,}"),
        ("Shared prefixes", _shared(read.shared_input_share)),
        ("Played", f"{read.calls:,} calls{rate} (speed {read.speed:g}, scale {read.scale:g})"),
    ]
    return [(label, value) for label, value in lines if value is not None]


def _odd_rows(read: TraceRead) -> str:
    odd = ""
    if read.rows_out_of_order:
        odd += f", {read.rows_out_of_order:,} out of order"
    if read.rows_without_output:
        odd += f", {read.rows_without_output:,} without output (played with one token)"
    return odd


def _counts(counts: TokenCounts) -> str:
    return f"{counts.total:,}; p50 {counts.p50:,}, p95 {counts.p95:,}, max {counts.max:,}"


def _shared(share: float | None) -> str | None:
    return None if share is None else f"{text.share(share)} of the input tokens were in an earlier prompt"
