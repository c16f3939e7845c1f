"""The table of what was read from a trace file, as the manifest keeps it."""

from pydantic import BaseModel, ConfigDict


class TokenCounts(BaseModel):
    """Tokens of the rows: sum, nearest-rank percentiles, maximum."""

    model_config = ConfigDict(extra="allow", frozen=True)

    total: int
    p50: int
    p95: int
    max: int


class TraceRead(BaseModel):
    """Rows of the part of a trace that was read, before `scale`; times in seconds.

    `span_s`: first to last row of the part, in recorded time. `rows_out_of_order`: rows earlier than one
    before them. `sessions`: different conversations; None without such a column. `shared_input_share`: share
    of the input tokens in blocks that an earlier row of the part had too, an upper bound for prompt caches;
    None without ids of blocks. `calls` and `rate_per_s` are those played, after `speed` and `scale`, per
    second of the played part.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    file: str
    format: str
    columns: dict[str, str]
    from_s: float
    to_s: float | None
    speed: float
    scale: float
    rows: int
    rows_out_of_order: int
    rows_without_output: int
    span_s: float
    input_tokens: TokenCounts
    output_tokens: TokenCounts
    sessions: int | None
    shared_input_share: float | None
    calls: int
    rate_per_s: float | None
