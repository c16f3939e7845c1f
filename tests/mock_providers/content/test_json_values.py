"""Generated JSON values are instances of any schema."""

import random
from typing import Any

import jsonschema
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_providers.content.json_values import instance

names = st.text("abcdefgh", min_size=1, max_size=4)


def numbers(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    low = draw(st.integers(-1000, 1000))
    bounds: dict[str, Any] = {"type": kind}
    if draw(st.booleans()):
        bounds[draw(st.sampled_from(["minimum", "exclusiveMinimum"]))] = low
    if draw(st.booleans()):
        bounds[draw(st.sampled_from(["maximum", "exclusiveMaximum"]))] = low + draw(st.integers(40, 500))
    if draw(st.booleans()):
        bounds["multipleOf"] = draw(st.sampled_from([1, 2, 5, 10]))
    return bounds


@st.composite
def leaves(draw: st.DrawFn) -> dict[str, Any]:
    match draw(st.sampled_from(["string", "enum", "const", "integer", "number", "boolean", "null"])):
        case "string":
            shortest = draw(st.integers(0, 30))
            return {"type": "string", "minLength": shortest, "maxLength": shortest + draw(st.integers(0, 50))}
        case "enum":
            return {"enum": draw(st.lists(st.integers() | names | st.none(), min_size=1, max_size=4))}
        case "const":
            return {"const": draw(names)}
        case "integer" | "number" as kind:
            return numbers(draw, kind)
        case kind:
            return {"type": kind}


def wider(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    def as_object(properties: dict[str, Any], shut: bool) -> dict[str, Any]:
        required = list(properties)[::2]
        closed = {"additionalProperties": False} if shut else {}
        return {"type": "object", "properties": properties, "required": required, **closed}

    return st.one_of(
        st.builds(as_object, st.dictionaries(names, inner, max_size=4), st.booleans()),
        st.builds(
            lambda items, least, more: {
                "type": "array",
                "items": items,
                "minItems": least,
                "maxItems": least + more,
            },
            inner,
            st.integers(0, 3),
            st.integers(0, 3),
        ),
        st.builds(lambda ways: {"anyOf": ways}, st.lists(inner, min_size=1, max_size=3)),
    )


schemas = st.recursive(leaves(), wider, max_leaves=12)


@given(schemas, st.integers(0, 2**32))
def test_a_value_is_an_instance_of_its_schema(schema: dict[str, Any], seed: int) -> None:
    jsonschema.validate(instance(schema, random.Random(seed)), schema)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=10,
)
keys = st.sampled_from(
    [
        "type",
        "enum",
        "const",
        "properties",
        "required",
        "items",
        "prefixItems",
        "minItems",
        "maxItems",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "format",
        "anyOf",
        "oneOf",
        "allOf",
        "$ref",
    ]
)


@given(
    st.dictionaries(keys, anything | st.dictionaries(keys, anything, max_size=3), max_size=6), st.integers()
)
def test_what_is_no_schema_gets_a_value_all_the_same(schema: dict[str, Any], seed: int) -> None:
    orjson.dumps(instance(schema, random.Random(seed)))


def test_references_are_followed_and_those_that_go_round_and_round_come_to_an_end() -> None:
    node = {
        "type": "object",
        "properties": {
            "name": {"$ref": "#/$defs/a~1name"},
            "children": {"type": "array", "items": {"$ref": "#/$defs/node"}, "minItems": 2},
        },
        "required": ["name", "children"],
    }
    schema = {"$ref": "#/$defs/node", "$defs": {"node": node, "a/name": {"const": "leaf"}}}
    value = instance(schema, random.Random(0))
    assert value["name"] == value["children"][0]["name"] == "leaf"
    assert len(orjson.dumps(value)) < 100_000
    itself = {"$ref": "#"}
    assert isinstance(instance(itself, random.Random(0)), str)


@pytest.mark.parametrize(
    "bound",
    [{"minItems": 10**9}, {"minItems": 10**9, "items": {"type": "array", "minItems": 10**9}}],
)
def test_no_value_is_enormous(bound: dict[str, Any]) -> None:
    assert len(orjson.dumps(instance({"type": "array", **bound}, random.Random(0)))) < 100_000
    assert len(instance({"type": "string", "minLength": 10**12}, random.Random(0))) <= 4_000


def test_the_first_free_text_is_the_one_that_is_to_be_said() -> None:
    schema = {
        "type": "object",
        "properties": {
            "kind": {"enum": ["a", "b"]},
            "when": {"type": "string", "format": "date"},
            "code": {"type": "string", "maxLength": 3},
            "text": {"type": "string"},
            "more": {"type": "string"},
        },
        "required": ["kind", "when", "code", "text", "more"],
    }
    value = instance(schema, random.Random(3), "The answer is Paris.")
    assert value["text"] == "The answer is Paris."
    assert "Paris" not in value["more"]


@pytest.mark.parametrize(
    "format_", ["date", "time", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uuid"]
)
def test_texts_have_their_format(format_: str) -> None:
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    for seed in range(50):
        text = instance({"type": "string", "format": format_}, random.Random(seed))
        jsonschema.validate(text, {"type": "string", "format": format_}, format_checker=checker)


@given(
    st.integers(0, 2**32), st.sampled_from([(-(2**53) + 1, 2**53 - 1), (0, 2**53 - 1), (-(2**31), 2**31 - 1)])
)
def test_bounds_of_a_type_are_no_wish_for_absurd_numbers(seed: int, bounds: tuple[int, int]) -> None:
    """Zod's integers have the bounds of safe integers."""
    schema = {"type": "integer", "minimum": bounds[0], "maximum": bounds[1]}
    assert 0 <= instance(schema, random.Random(seed)) <= 100
