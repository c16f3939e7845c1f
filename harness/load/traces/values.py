"""Values of a trace's cells: times as nanoseconds, token counts, ids of prompt blocks.

Each parser raises ValueError with what was expected and what it got; the reader adds file, line and column.
"""

import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from .options import TimeUnit

MOST_TOKENS = 10_000_000
MOST_IDS = 1_000_000
_NANOSECONDS: dict[TimeUnit, int] = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_LATEST_NS = 2**63
_STAMP = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?"
    r" ?(Z|[-+][0-9]{2}:?[0-9]{2})?"
)
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")


def shown(value: Any) -> str:
    """A value for an error: at most 40 characters, quoted, on one line."""
    return repr(value if len(str(value)) <= 40 else str(value)[:40])


def nanoseconds(value: Any, unit: TimeUnit) -> int:
    """A time as integer nanoseconds: a float of seconds would lose the seventh digit of Azure's stamps.

    Numbers count in `unit`. Text such as `2024-05-10 00:00:00.009930+00:00` counts from 1970, in UTC when it
    has no offset. Datetimes (of a Parquet file) too.
    """
    if type(value) is int:
        return _within(value * _NANOSECONDS[unit], value, unit)
    if isinstance(value, str):
        value = value.strip()
        stamp = _STAMP.fullmatch(value)
        if stamp is not None:
            return _stamped(stamp, value)
    elif isinstance(value, datetime):
        zoned = value if value.tzinfo else value.replace(tzinfo=UTC)
        return _from_datetime(zoned) + (getattr(value, "nanosecond", 0) or 0)
    number = _decimal(value)
    if number is None or isinstance(value, date):
        raise ValueError(
            f"expected a time such as 2023-11-16 18:15:46.6805900 or a number of {unit}, got {shown(value)}"
        )
    return _within(int((number * _NANOSECONDS[unit]).to_integral_value()), value, unit)


def _within(found: int, value: Any, unit: TimeUnit) -> int:
    if not -_LATEST_NS < found < _LATEST_NS:
        raise ValueError(f"expected a time within 292 years, got {shown(value)} {unit}")
    return found


def _stamped(stamp: re.Match[str], text: str) -> int:
    offset = (stamp[3] or "Z").replace("Z", "+00:00")
    try:
        second = datetime.fromisoformat(stamp[1] + offset)
    except ValueError as error:
        raise ValueError(f"expected a time that exists, got {shown(text)}") from error
    return _from_datetime(second) + int((stamp[2] or "0").ljust(9, "0"))


def _from_datetime(zoned: datetime) -> int:
    since = zoned - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1_000


def tokens(value: Any) -> int:
    """A count of tokens: a whole number from 0 to ten million; 12.0 is one, NaN and true are none."""
    if isinstance(value, str) and len(value) < 7 and value.isascii() and value.isdecimal():
        return int(value)
    number = _decimal(value)
    if number is None or number < 0 or number > MOST_TOKENS or number != int(number):
        raise ValueError(f"expected a whole number of tokens, 0 to {MOST_TOKENS:,}, got {shown(value)}")
    return int(number)


def _decimal(value: Any) -> Decimal | None:
    """The finite number that a cell holds, exactly; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, float):
        return Decimal(repr(value)) if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    if not isinstance(value, str) or _NUMBER.fullmatch(text := value.strip()) is None:
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def session(value: Any) -> str:
    """The name of a conversation; an empty cell, null and NaN are "", no conversation."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return str(value).strip()
    raise ValueError(f"expected a conversation's id, text or a number, got {shown(value)}")


def block_ids(value: Any) -> tuple[int | str, ...]:
    """The ids of a prompt's blocks: a list of whole numbers or texts; in CSV as `[1, 2]` or `1 2`."""
    expected = f"expected a list of block ids, got {shown(value)}"
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        try:
            value = orjson.loads(value) if value.lstrip().startswith("[") else value.replace(",", " ").split()
        except orjson.JSONDecodeError as error:
            raise ValueError(expected) from error
    try:
        ids = tuple(value)
    except TypeError as error:
        raise ValueError(expected) from error
    if len(ids) > MOST_IDS or not all(isinstance(each, (int, str)) and each is not True for each in ids):
        raise ValueError(expected)
    return ids
