"""The cheap verifier: what a reply shows by itself."""

from collections.abc import Callable
from typing import Any

import jsonschema
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.core.call import Call
from harness.stack.core.reply import Answer, Finish, ToolCall
from harness.stack.routing.check import UNSURE, CheckOptions, reject_reason
from harness.stack.routing.json_check import json_complaint
from tests.stack.calls import changed

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def answer(text: str, reason: str = "stop") -> Answer:
    return Answer(text, (), Finish(reason, None))


@pytest.mark.parametrize("phrase", [*UNSURE, "I’m not sure", "i AM NOT sure"])
def test_an_answer_that_is_not_sure_is_rejected(phrase: str, call: Callable[..., Call]) -> None:
    unsure = answer(f"Well, {phrase}, but it is 4.")
    assert reject_reason(CheckOptions(), call(), unsure) == "says that it is not sure"


def test_a_confident_answer_is_accepted_however_wrong(call: Callable[..., Call]) -> None:
    assert reject_reason(CheckOptions(), call(), answer("The answer is 5.")) is None


def test_unsure_phrases_beyond_the_first_characters_do_not_count(call: Callable[..., Call]) -> None:
    late = answer("The answer is 4. " * 3 + "I do not know why.")
    assert reject_reason(CheckOptions(within=20), call(), late) is None


def test_a_refused_an_empty_and_a_short_answer_are_rejected(call: Callable[..., Call]) -> None:
    assert reject_reason(CheckOptions(), call(), answer("No.", "content_filter")) == "refused"
    assert reject_reason(CheckOptions(), call(), answer("  ")) == "too short"
    assert reject_reason(CheckOptions(min_chars=5), call(), answer("Yes.")) == "too short"


def test_a_tool_call_is_not_too_short(call: Callable[..., Call]) -> None:
    asks = Answer("", (ToolCall("c", "look", "{}"),), Finish("tool_calls", None))
    assert reject_reason(CheckOptions(), call(), asks) is None


def test_json_that_violates_its_schema_is_rejected(call: Callable[..., Call]) -> None:
    json_call = changed(call(), json_schema=CITY)
    assert reject_reason(CheckOptions(), json_call, answer('{"city": "Paris"}')) is None
    assert reject_reason(CheckOptions(), json_call, answer('{"town": "Paris"}')) == "the reply lacks 'city'"
    assert reject_reason(CheckOptions(), json_call, answer("Paris")) == "the reply is not JSON"
    assert reject_reason(CheckOptions(json_mode=False), json_call, answer("Paris")) is None


SCHEMAS = st.recursive(
    st.sampled_from(
        [
            {},
            {"type": "string"},
            {"type": "integer"},
            {"type": "number"},
            {"type": ["boolean", "null"]},
            {"enum": ["a", 1]},
            {"const": "a"},
            {"$ref": "#/$defs/word"},
        ]
    ),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}),
        st.builds(
            lambda a, b, required, more: {
                "type": "object",
                "properties": {"a": a, "b": b},
                "required": required,
                "additionalProperties": more,
            },
            inner,
            inner,
            st.sampled_from([[], ["a"], ["a", "b"]]),
            st.booleans(),
        ),
    ),
    max_leaves=5,
)
VALUES = st.recursive(
    st.sampled_from(["a", "b", 2, 2.5, 3.0, True, None]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(SCHEMAS, VALUES)
def test_the_json_check_agrees_with_a_validator(schema: dict[str, Any], value: Any) -> None:
    whole = {"type": "object", "properties": {"x": schema}, "$defs": {"word": {"type": "string"}}}
    text = orjson.dumps({"x": value}).decode()
    valid = jsonschema.Draft202012Validator(whole).is_valid({"x": value})
    assert (json_complaint(text, whole) is None) == valid


def test_json_mode_without_a_schema_asks_for_an_object() -> None:
    assert json_complaint("{}", {}) is None
    assert json_complaint("[]", {}) == "the reply is no JSON object"
