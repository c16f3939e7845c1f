"""Whether a reply is JSON of the schema that a call asked for.

Checked are `type`, `enum`, `const`, `required`, `properties`, `additionalProperties` false, `items` and local
`$ref`s. Other keywords are ignored: this is a cheap check before a more expensive model is asked, not a
validator.
"""

from collections.abc import Mapping
from typing import Any

import orjson

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}


def json_complaint(text: str, schema: Mapping[str, Any]) -> str | None:
    """Why `text` is not an instance of `schema` (`{}`: any object); None if it is."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return "the reply is not JSON"
    if not schema:
        return None if isinstance(value, dict) else "the reply is no JSON object"
    return _complaint(value, schema, schema, "the reply")


def _complaint(value: Any, schema: Any, root: Mapping[str, Any], where: str) -> str | None:
    schema = _resolved(schema, root)
    if not isinstance(schema, Mapping):
        return None
    expected = schema.get("type")
    kinds = [expected] if isinstance(expected, str) else expected or []
    if kinds and not any(_is(value, kind) for kind in kinds):
        return f"{where} is no {' or '.join(kinds)}"
    if "enum" in schema and not any(_same(value, allowed) for allowed in schema["enum"]):
        return f"{where} is none of the values allowed"
    if "const" in schema and not _same(value, schema["const"]):
        return f"{where} is not the value asked for"
    if isinstance(value, dict):
        return _object_complaint(value, schema, root, where)
    if isinstance(value, list) and "items" in schema:
        complaints = (
            _complaint(item, schema["items"], root, f"{where}[{n}]") for n, item in enumerate(value)
        )
        return next((complaint for complaint in complaints if complaint), None)
    return None


def _object_complaint(
    value: Mapping[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], where: str
) -> str | None:
    known = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            return f"{where} lacks {name!r}"
    for name, item in value.items():
        if name not in known:
            if schema.get("additionalProperties") is False:
                return f"{where} has an unknown {name!r}"
            continue
        if complaint := _complaint(item, known[name], root, f"{where}.{name}"):
            return complaint
    return None


def _same(value: Any, allowed: Any) -> bool:
    """Equal as JSON, where true is not 1."""
    return bool(value == allowed) and isinstance(value, bool) == isinstance(allowed, bool)


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, TYPES.get(kind, (object,)))


def _resolved(schema: Any, root: Mapping[str, Any]) -> Any:
    """The schema that a local `$ref` names; unknown ones allow anything."""
    for _ in range(8):
        if not isinstance(schema, Mapping) or "$ref" not in schema:
            return schema
        found: Any = root
        for step in str(schema["$ref"]).removeprefix("#").strip("/").split("/"):
            found = found.get(step) if isinstance(found, Mapping) and step else found
        schema = found
    return None
