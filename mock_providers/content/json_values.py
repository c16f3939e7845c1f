"""Instances of a JSON schema, for the arguments of a tool and for replies in JSON.

Supported: `type` (also several), `enum`, `const`, `properties`, `required`, `items`,
`prefixItems`, the bounds of lengths and numbers, `multipleOf`, `format`, `anyOf`, `oneOf`, `allOf` and local
`$ref`s. Not supported: `pattern`, `not`, conditionals and dependent properties. A contradictory or invalid
schema still gets a value: nothing here raises, and no value has more than a few hundred parts.
"""

import math
import random
from collections.abc import Callable, Mapping
from typing import Any

from .prose import filler

__all__ = ["instance"]

Schema = Mapping[str, Any]

_DEEPEST = 12
_MOST_PARTS = 300
_LONGEST_TEXT = 4_000
_WIDEST = 1_000_000.0
_WHOLE = 2.0**53  # every JSON reader can hold integers up to here
_OPTIONAL_SHARE = 0.5  # how often a property that is not required is present
_FORMATS: dict[str, Callable[[int], str]] = {
    "date": lambda n: f"2025-{n % 12 + 1:02}-{n % 28 + 1:02}",
    "time": lambda n: f"{n % 24:02}:{n % 60:02}:00Z",
    "date-time": lambda n: f"2025-{n % 12 + 1:02}-{n % 28 + 1:02}T{n % 24:02}:{n % 60:02}:00Z",
    "duration": lambda n: f"PT{n % 59 + 1}M",
    "email": lambda n: f"user{n % 1000}@example.com",
    "hostname": lambda n: f"host{n % 1000}.example.com",
    "ipv4": lambda n: f"192.0.2.{n % 254 + 1}",
    "ipv6": lambda n: f"2001:db8::{n % 65535 + 1:x}",
    "uri": lambda n: f"https://example.com/{n % 1000}",
    "uuid": lambda n: f"00000000-0000-4000-8000-{n:012x}",
}


def instance(schema: Schema, rng: random.Random, first_text: str = "") -> Any:
    """A value of `schema`, drawn from `rng`.

    `first_text`, unless empty, is the first string whose schema allows it.
    """
    return _Maker(schema, rng, first_text).value(schema, 0)


class _Maker:
    """Makes one value; `_parts` counts its parts so far."""

    def __init__(self, root: Schema, rng: random.Random, first_text: str) -> None:
        self._root = root
        self._rng = rng
        self._first_text = first_text
        self._parts = 0

    def value(self, schema: object, depth: int) -> Any:
        self._parts += 1
        if depth > _DEEPEST or self._parts > _MOST_PARTS:
            return None
        plain = self._plain(schema)
        if "const" in plain:
            return plain["const"]
        if values := _list(plain, "enum"):
            return self._rng.choice(values)
        match self._type(plain):
            case "object":
                return self._object(plain, depth)
            case "array":
                return self._array(plain, depth)
            case "integer":
                return int(self._number(plain, whole=True))
            case "number":
                return self._number(plain, whole=False)
            case "boolean":
                return self._rng.random() < 0.5
            case "null":
                return None
            case _:
                return self._text(plain)

    def _plain(self, schema: object) -> Schema:
        """The schema without references and alternatives."""
        plain = _mapping(schema)
        for _ in range(_DEEPEST):
            others = [self._at(plain.get("$ref"))] if "$ref" in plain else []
            others += [self._one_of(_list(plain, key)) for key in ("anyOf", "oneOf") if key in plain]
            others += map(_mapping, _list(plain, "allOf"))
            if not others:
                break
            own = {key: each for key, each in plain.items() if key not in ("$ref", "anyOf", "oneOf", "allOf")}
            plain = _merged([*others, own])
        return plain

    def _one_of(self, ways: list[Any]) -> Schema:
        """One of the alternatives, not null."""
        others = [way for way in map(_mapping, ways) if way.get("type") != "null"] or [{"type": "null"}]
        return self._rng.choice(others)

    def _at(self, reference: object) -> Schema:
        """The schema that a reference into this document points to."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            return {}
        found: object = self._root
        for step in reference[1:].split("/")[1:]:
            found = _mapping(found).get(step.replace("~1", "/").replace("~0", "~"))
        return _mapping(found)

    def _type(self, schema: Schema) -> str:
        named = schema.get("type")
        if isinstance(named, list):
            named = next((each for each in named if each != "null"), "null")
        if isinstance(named, str):
            return named
        if "properties" in schema:
            return "object"
        return "array" if "items" in schema or "prefixItems" in schema else "string"

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        required = frozenset(name for name in _list(schema, "required") if isinstance(name, str))
        made = {
            name: self.value(each, depth + 1)
            for name, each in _mapping(schema.get("properties")).items()
            if name in required or self._adds(depth)
        }
        for name in _list(schema, "required"):
            if isinstance(name, str) and name not in made:
                made[name] = self.value(schema.get("additionalProperties"), depth + 1)
        return made

    def _adds(self, depth: int) -> bool:
        """Whether an optional property is present; never deep in a large value."""
        likely = self._rng.random() < _OPTIONAL_SHARE
        return likely and depth < _DEEPEST // 2 and self._parts < _MOST_PARTS // 2

    def _array(self, schema: Schema, depth: int) -> list[Any]:
        least = int(_bound(schema, "minItems", 0.0, 0.0, _MOST_PARTS))
        most = int(_bound(schema, "maxItems", least + 2.0, 0.0, _MOST_PARTS))
        leading = _list(schema, "prefixItems")
        length = max(least, min(most, len(leading) or self._rng.randint(1, 3)))
        made: list[Any] = []
        for nth in range(length):
            if self._parts > _MOST_PARTS:
                break
            made.append(self.value(leading[nth] if nth < len(leading) else schema.get("items"), depth + 1))
        return made

    def _number(self, schema: Schema, *, whole: bool) -> float:
        step = _bound(schema, "multipleOf", 1.0 if whole else 0.01, 0.0, _WHOLE) or 1.0
        if whole:
            step = max(1.0, math.ceil(step))
        low = _bound(schema, "minimum", -math.inf)
        high = _bound(schema, "maximum", math.inf)
        open_low, open_high = (_bound(schema, f"exclusive{end}imum", math.inf) for end in ("Min", "Max"))
        low = max(low, open_low + step / 2) if math.isfinite(open_low) else low
        high = min(high, open_high - step / 2) if math.isfinite(open_high) else high
        if low == -math.inf:
            low = min(0.0, high - 100.0)
        if high == math.inf:
            high = low + 100.0
        low, high = _usual(low, high)
        first, last = math.ceil(low / step), math.floor(high / step)
        if first > last:  # no multiple in between
            return low
        drawn = (first + int(self._rng.random() * (last - first + 1))) * step
        return drawn if whole else round(drawn, 9)

    def _text(self, schema: Schema) -> str:
        least = int(_bound(schema, "minLength", 0.0, 0.0, _LONGEST_TEXT))
        most = int(_bound(schema, "maxLength", _LONGEST_TEXT, least, _LONGEST_TEXT))
        make = _FORMATS.get(str(schema.get("format")))
        if make is not None:
            return make(self._rng.getrandbits(32))
        if self._first_text and least <= len(self._first_text) <= most:
            text, self._first_text = self._first_text, ""
            return text
        return filler(min(most, max(least, self._rng.randint(12, 40))), self._rng.random())


def _mapping(value: object) -> Schema:
    return value if isinstance(value, Mapping) else {}


def _list(schema: Schema, key: str) -> list[Any]:
    value = schema.get(key)
    return value if isinstance(value, list) else []


def _bound(schema: Schema, key: str, default: float, low: float = -_WHOLE, high: float = _WHOLE) -> float:
    """A number of the schema, within `low` and `high`; `default` where there is none."""
    value = schema.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return default
    return float(min(max(value, low), high))


def _usual(low: float, high: float) -> tuple[float, float]:
    """The range without bounds that only name a type's limits, as Zod's integers do: 0 to 100, or what is
    near.
    """
    if high - low <= _WIDEST:
        return low, high
    if low <= 0.0 <= high:
        return 0.0, min(high, 100.0)
    return (low, low + 100.0) if low > 0.0 else (high - 100.0, high)


def _merged(schemas: list[Schema]) -> dict[str, Any]:
    """The schemas merged: properties and required keys united, otherwise the last schema wins."""
    merged: dict[str, Any] = {}
    for schema in schemas:
        properties = {**_mapping(merged.get("properties")), **_mapping(schema.get("properties"))}
        required = [*_list(merged, "required"), *_list(schema, "required")]
        merged.update(schema)
        merged.update({"properties": properties} if properties else {})
        merged.update({"required": required} if required else {})
    return merged
