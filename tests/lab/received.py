"""What a client of the gateway received, line by line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson


def content_of(lines: Sequence[bytes]) -> str:
    """The text in the chunks of a stream."""
    chunks = [orjson.loads(line[6:]) for line in lines if line.startswith(b"data: {")]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk.get("choices", ())]
    return "".join(delta.get("content") or "" for delta in deltas)


@dataclass(slots=True)
class Received:
    """One response: `lines` are the non-empty lines of the body, `at_s` when each arrived."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    lines: list[bytes] = field(default_factory=list)
    at_s: list[float] = field(default_factory=list)
    ended_s: float = 0.0

    @property
    def text(self) -> str:
        """The text of a stream."""
        return content_of(self.lines)

    @property
    def content_at_s(self) -> list[float]:
        """When each chunk with text arrived."""
        return [at_s for line, at_s in zip(self.lines, self.at_s, strict=True) if content_of([line])]

    @property
    def last(self) -> Any:
        """The last event of a stream, or the whole of a JSON body."""
        line = [line for line in self.lines if not line.startswith(b":")][-1].removeprefix(b"data: ")
        return line if line == b"[DONE]" else orjson.loads(line)
