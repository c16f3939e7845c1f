"""Mutated JSON: values of the wrong kind or in the wrong place, and text that is not JSON."""

import copy
import json
from typing import Any

from hypothesis import strategies as st

Bytes = st.SearchStrategy[bytes]

_WORDS = st.sampled_from(
    [
        *("", "auto", "any", "none", "required", "text", "user", "assistant", "tool", "system", "function"),
        *("json_schema", "json_object", "object", "array", "string", "$ref", "#", "#/$defs/a", "ephemeral"),
        *("m-1", "m", "e-1", "look", "call_1", "toolu_1", "a", "batch", "24h", "base64", "tool_use", "ANY"),
        *("\x00", "\u202e", "\ufeff", "é", "😀" * 3, "%s%d{}", "../../etc/passwd", "' OR 1=1 --", "x" * 3000),
        *("in about 0 tokens", "in about 99999999999999999999 tokens", "<script>", "\r\nset-cookie: a=b"),
    ]
)
_NUMBERS = st.one_of(
    st.sampled_from([0, -1, 1, 2, 200, 201, 2**31, 2**53, 2**63 - 1, -(2**63), 2**64 - 1, 2**64, 10**40]),
    st.sampled_from([0.0, -0.0, 1.0, 0.5, 1e308, -1e308, 5e-324, 1e16]),
    st.integers(-5, 300),
)
_SCALARS = st.one_of(st.none(), st.booleans(), _NUMBERS, _WORDS, st.text(max_size=6))
_KEYS = st.one_of(
    _WORDS,
    st.sampled_from(
        [
            *(
                "type",
                "role",
                "content",
                "name",
                "text",
                "n",
                "stop",
                "stream",
                "tools",
                "input",
                "cache_control",
            ),
            *("properties", "items", "enum", "const", "anyOf", "allOf", "oneOf", "required", "minItems"),
            *("minLength", "maxLength", "minimum", "maximum", "pattern", "format", "additionalProperties"),
            *("prefixItems", "multipleOf", "uniqueItems", "$defs", "thinking", "output_config", "parts"),
            *("generation_config", "candidate_count", "tool_calls", "dimensions", "encoding_format", "user"),
        ]
    ),
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=8,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [each for key, below in inner for each in ((*at, key), *places(below, (*at, key)))]


def _inside(value: Any, place: tuple[Any, ...]) -> Any:
    for step in place:
        value = value[step]
    return value


@st.composite
def mutated_json(draw: st.DrawFn, valid: Any) -> Any:
    """A valid JSON value in which up to four values were replaced, removed, added, wrapped or moved."""
    root: dict[str, Any] = {"body": copy.deepcopy(valid)}
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.sampled_from(places(root)))
        holder, key = _inside(root, place[:-1]), place[-1]
        match draw(st.sampled_from(["replace", "remove", "add", "wrap", "copy", "move", "many"])):
            case "remove" if len(place) > 1:
                del holder[key]
            case "add" if isinstance(holder[key], dict):
                holder[key][draw(_KEYS)] = draw(VALUES)
            case "add" if isinstance(holder[key], list):
                holder[key].insert(draw(st.integers(0, 3)), draw(VALUES))
            case "wrap":
                holder[key] = [holder[key]] if draw(st.booleans()) else {draw(_KEYS): holder[key]}
            case "copy" if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[key]))
            case "move":
                other = draw(st.sampled_from(places(root)))
                holder[key] = copy.deepcopy(_inside(root, other))
            case "many" if isinstance(holder[key], list) and holder[key]:
                holder[key] = [
                    copy.deepcopy(each) for each in holder[key] for _ in range(draw(st.integers(2, 40)))
                ]
            case _:
                holder[key] = draw(VALUES)
    return root["body"]


def _deep(kind: str, depth: int) -> bytes:
    return b"[" * depth + b"]" * depth if kind == "array" else b'{"a":' * depth + b"1" + b"}" * depth


_TOKENS: Bytes = st.one_of(
    st.sampled_from(
        [
            *(b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-1e400", b"1" * 400, b"-0", b"01", b"1.", b".5"),
            *(
                b'"\\ud800"',
                b'"\\udc00\\ud800"',
                b'"\\u0000"',
                b'"\x00"',
                b'"\xff\xfe"',
                b'"\xed\xa0\x80"',
                b'"\t"',
            ),
            *(
                b"True",
                b"nul",
                b"'a'",
                b"/* c */ 1",
                b'{"a":1,"a":2}',
                b"[1,]",
                b'{"a":1,}',
                b"",
                b"\xef\xbb\xbf1",
            ),
        ]
    ),
    st.builds(
        _deep, st.sampled_from(["array", "object"]), st.sampled_from([20, 130, 260, 1020, 1030, 20_000])
    ),
)


@st.composite
def mutated_text(draw: st.DrawFn, valid: Any) -> bytes:
    """JSON text with an invalid token, or nested too deeply, or cut, or oddly encoded."""
    body = copy.deepcopy(valid)
    if isinstance(body, dict) and (found := places(body)):
        place = draw(st.sampled_from(found))
        _inside(body, place[:-1])[place[-1]] = "@@@"
    raw = json.dumps(body).encode().replace(b'"@@@"', draw(_TOKENS), 1)
    return draw(mutated_bytes(raw)) if draw(st.booleans()) else raw


@st.composite
def mutated_bytes(draw: st.DrawFn, raw: bytes) -> bytes:
    """Bytes cut, duplicated, oddly encoded, or with others inserted."""
    at = draw(st.integers(0, len(raw)))
    match draw(st.sampled_from(["cut", "junk", "twice", "utf-16", "nul", "bom", "flip"])):
        case "cut":
            return raw[:at]
        case "junk":
            return raw[:at] + draw(st.binary(max_size=12)) + raw[at:]
        case "twice":
            return raw + raw[:at]
        case "utf-16":
            return raw.decode("latin-1").encode("utf-16")
        case "nul":
            return raw[:at] + b"\x00" * draw(st.integers(1, 50))
        case "bom":
            return b"\xef\xbb\xbf" + raw
        case _:
            return raw[:at] + bytes([raw[at] ^ 0x80]) + raw[at + 1 :] if at < len(raw) else b"\xff"


def dumps(value: Any) -> bytes:
    """JSON with integers of any size; characters that UTF-8 cannot encode are escaped."""
    return json.dumps(value).encode()


@st.composite
def mutated_lines(draw: st.DrawFn, valid: Any) -> bytes:
    """A file of JSON lines, some of them mutated."""
    lines = []
    for nth in range(draw(st.integers(1, 4))):
        line = {**copy.deepcopy(valid), "custom_id": f"item-{nth}"}
        how = draw(st.sampled_from(["good", "line", "body", "text"]))
        if how == "body":
            line["body"] = draw(mutated_json(line["body"]))
        elif how == "line":
            line = draw(mutated_json(line))
        lines.append(draw(mutated_text(line)) if how == "text" else dumps(line))
    end = draw(st.sampled_from([b"\n", b"\r\n", b"\r", b"\n\n", b"\x0b", b"\xe2\x80\xa8"]))
    return end.join(lines)
