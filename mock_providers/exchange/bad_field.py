"""A missing or invalid field of a request, before a protocol has worded it."""

from dataclasses import dataclass
from typing import Any, Literal

Path = tuple[str | int, ...]
Complaint = Literal["missing", "type", "minimum", "choice", "unknown", "unsupported"]


@dataclass(frozen=True)
class BadField(Exception):
    """One field of a request is missing or invalid.

    - `path`: of the field; () is the whole body
    - `expected`: a Kind for "type", the least value for "minimum", the allowed values joined by ", " for
      "choice", a sentence for "unsupported"
    - `value`: the value received (default: None)
    """

    path: Path
    complaint: Complaint
    expected: str = ""
    value: Any = None
