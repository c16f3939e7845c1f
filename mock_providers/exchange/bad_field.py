"""A request field that is not as it must be, before a protocol has worded it."""

from dataclasses import dataclass
from typing import Any, Literal

Path = tuple[str | int, ...]
Complaint = Literal["missing", "type", "minimum", "choice", "unknown", "unsupported"]


@dataclass(frozen=True)
class BadField(Exception):
    """One field of a request that is not as it must be.

    `expected` is a Kind for "type", the least value for "minimum", the allowed values joined by ", " for
    "choice", and a sentence for "unsupported".
    """

    path: Path
    complaint: Complaint
    expected: str = ""
    given: Any = None
