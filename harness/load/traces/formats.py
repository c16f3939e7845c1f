"""The public trace formats, recognised by their columns.

| format | columns | times |
| --- | --- | --- |
| Azure (2023, 2024) | `TIMESTAMP`, `ContextTokens`, `GeneratedTokens` | text, UTC |
| Bailian | `chat_id`, and those of Mooncake; an id stands for 16 tokens | s |
| Mooncake | `timestamp`, `input_length`, `output_length`, `hash_ids`; an id stands for 512 tokens | ms |
| BurstGPT | `Timestamp`, `Request tokens`, `Response tokens`, sometimes `Session ID` | s |

Sources, on github.com: Azure/AzurePublicDataset, alibaba-edu/qwen-bailian-usagetraces-anon,
kvcache-ai/Mooncake, HPMLL/BurstGPT.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from .options import REQUIRED, ROLES, Role, TimeUnit, TraceOptions

DEFAULT_BLOCK_TOKENS = 512


@dataclass(frozen=True, slots=True)
class Format:
    """A public format: recognised when all of `needs` are columns; `optional` are used where they exist."""

    name: str
    needs: Mapping[Role, str]
    optional: Mapping[Role, str] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    time_unit: TimeUnit = "s"
    block_tokens: int = DEFAULT_BLOCK_TOKENS


_HASHED: dict[Role, str] = {"time": "timestamp", "input": "input_length", "output": "output_length"}
FORMATS = (
    Format("Azure", {"time": "TIMESTAMP", "input": "ContextTokens", "output": "GeneratedTokens"}),
    Format("Bailian", _HASHED, {"prefix": "hash_ids"}, also=("chat_id",), block_tokens=16),
    Format("Mooncake", _HASHED, {"prefix": "hash_ids"}, time_unit="ms"),
    Format(
        "BurstGPT",
        {"time": "Timestamp", "input": "Request tokens", "output": "Response tokens"},
        {"session": "Session ID"},
    ),
)


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of one file, by their use, and the units of its numbers. `format` "" is the user's own."""

    format: str
    columns: Mapping[Role, str]
    time_unit: TimeUnit
    block_tokens: int


def layout_of(found: Collection[str], options: TraceOptions) -> Layout | None:
    """The layout of a file with these columns: the columns of `options`, the rest those of a known format.

    None when a column that is needed has no name, or a named one does not exist.
    """
    known = next((known for known in FORMATS if _has(found, known, options)), None)
    columns: dict[Role, str] = {}
    if known is not None:
        optional = {role: name for role, name in known.optional.items() if name in found}
        columns = {**known.needs, **optional}
    columns |= options.columns
    if not all(role in columns for role in REQUIRED):
        return None
    if not all(name in found or "." in name for name in options.columns.values()):
        return None
    return Layout(
        known.name if known else "",
        {role: columns[role] for role in ROLES if role in columns},
        options.time_unit or (known.time_unit if known else "s"),
        options.block_tokens or (known.block_tokens if known else DEFAULT_BLOCK_TOKENS),
    )


def _has(found: Collection[str], known: Format, options: TraceOptions) -> bool:
    """Whether the file is of the format; columns that the user names need not be there."""
    wanted = [name for role, name in known.needs.items() if role not in options.columns]
    return bool(wanted) and all(name in found for name in (*wanted, *known.also))


def expected_columns(options: TraceOptions) -> str:
    """The sentence of an error: the columns that were looked for."""
    formats = "; ".join(f"{known.name}: {', '.join(known.needs.values())}" for known in FORMATS)
    named = ", ".join(f"{role} = {name!r}" for role, name in options.columns.items())
    wanted = f"expected the columns {named} and " if named else "expected the columns "
    return f"{wanted}of a known trace ({formats}), or --trace-column time=NAME, input=NAME and output=NAME"
