"""Reads a request's JSON field by field; the first wrong field raises BadField, which each protocol words."""

from collections.abc import Mapping
from typing import Any, Literal, Self

import orjson

from ..exchange.bad_field import BadField, Path

Kind = Literal["string", "integer", "number", "boolean", "array", "object"]

_TYPES: dict[Kind, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def unsupported(name: str, complaint: str) -> BadField:
    """A BadField for the top-level field `name`; `complaint` is the provider's sentence."""
    return BadField((name,), "unsupported", complaint)


class Fields:
    """The fields of one JSON object at `path`. Readers raise BadField; absent and null read as None."""

    __slots__ = ("_path", "_values")

    def __init__(self, values: Any, path: Path = ()) -> None:
        if not isinstance(values, dict):
            raise BadField(path, "type", "object", values)
        self._values: Mapping[str, Any] = values
        self._path = path

    @property
    def path(self) -> Path:
        """Path of this object in the request."""
        return self._path

    def present(self, key: str) -> bool:
        """Whether the field is there and not null."""
        return self._values.get(key) is not None

    def require(self, key: str) -> Any:
        """The value of a required field."""
        value = self._values.get(key)
        if value is None:
            raise BadField((*self._path, key), "missing")
        return value

    def read(self, key: str, kind: Kind) -> Any:
        """The value, checked to be of `kind` (true is not an integer)."""
        value = self._values.get(key)
        if value is None:
            return None
        if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
            raise BadField((*self._path, key), "type", kind, value)
        return value

    def text(self, key: str) -> str:
        """A required string."""
        self.require(key)
        value: str = self.read(key, "string")
        return value

    def at_least(self, key: str, least: int) -> int | None:
        """An integer not below `least`."""
        value: int | None = self.read(key, "integer")
        if value is not None and value < least:
            raise BadField((*self._path, key), "minimum", str(least), value)
        return value

    def flag(self, key: str) -> bool:
        """A boolean, False when absent."""
        return bool(self.read(key, "boolean"))

    def choice(self, key: str, allowed: tuple[str, ...]) -> str:
        """A required string, one of `allowed`."""
        value = self.text(key)
        if value not in allowed:
            raise BadField((*self._path, key), "choice", ", ".join(f"'{each}'" for each in allowed), value)
        return value

    def inner(self, key: str) -> Self:
        """The object under `key`, an empty one when absent."""
        return type(self)(self.read(key, "object") or {}, (*self._path, key))

    def items(self, key: str) -> list[Any]:
        """The array under `key`, empty when absent."""
        return self.read(key, "array") or []

    def texts(self, key: str) -> tuple[str, ...]:
        """The array of non-empty strings under `key`, empty when absent."""
        for nth, item in enumerate(self.items(key)):
            if not isinstance(item, str) or not item:
                raise BadField((*self._path, key, nth), "type", "string", item)
        return tuple(self.items(key))

    def only(self, known: frozenset[str]) -> None:
        """Refuse keys that are not `known`."""
        for key in self._values:
            if key not in known:
                raise BadField((*self._path, key), "unknown")

    def without(self, *keys: str) -> dict[str, Any]:
        """The whole object without these keys."""
        return {key: value for key, value in self._values.items() if key not in keys}

    def content(self, key: str) -> str:
        """Message content: a string, or an array of text parts (joined by line breaks)."""
        value = self.require(key)
        if isinstance(value, str):
            return value
        path = (*self._path, key)
        if not isinstance(value, list):
            raise BadField(path, "type", "string", value)
        parts = [Fields(part, (*path, nth)) for nth, part in enumerate(value)]
        for part in parts:
            part.choice("type", ("text",))
        return "\n".join(part.text("text") for part in parts)


def loads(body: bytes) -> Any:
    """Parse JSON; raises ValueError if invalid or nested too deeply."""
    return orjson.loads(body)


def dumps(value: Any) -> bytes:
    """JSON; raises ValueError for a value nested too deeply (orjson reads deeper ones than it writes)."""
    return _dumps(value)


def _dumps(value: Any, option: int = 0) -> bytes:
    try:
        return orjson.dumps(value, option=option)
    except TypeError as error:
        raise ValueError(str(error)) from None


def canonical(value: Any) -> str:
    """JSON text with sorted keys: equal values, equal text. Raises ValueError if nested too deeply."""
    return _dumps(value, orjson.OPT_SORT_KEYS).decode()


def arguments(text: str) -> dict[str, Any]:
    """The arguments of a tool call; empty for text that is not a JSON object, such as a cut one."""
    try:
        value = orjson.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def names(text: str) -> frozenset[str]:
    """A set of field names from a string separated by whitespace."""
    return frozenset(text.split())
