"""Everything that can change an answer is in the request's digest, by construction."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, get_args, get_type_hints

import orjson
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.core.media.media import Media
from harness.stack.core.parameters import PARAMETERS
from harness.stack.core.reply import ToolCall
from harness.stack.core.request import NOT_IN_DIGEST, Message, Request, Tool

TEXT = st.text("ab\n", max_size=3)
OBJECT = st.dictionaries(TEXT, st.integers(0, 3) | TEXT, max_size=2)
CALL = st.builds(ToolCall, TEXT, TEXT, TEXT)
MESSAGE = st.builds(
    Message,
    st.sampled_from(["system", "user", "assistant", "tool"]),
    TEXT,
    st.lists(CALL, max_size=2).map(tuple),
    TEXT,
    TEXT,
    st.lists(
        st.builds(Media, st.sampled_from(["image", "document"]), TEXT, TEXT, TEXT, TEXT), max_size=1
    ).map(tuple),
)
TOOL = st.builds(Tool, TEXT, TEXT, OBJECT, st.booleans())
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    bool: st.booleans(),
    int: st.integers(0, 9),
    float: st.floats(0, 2),
    type(None): st.none(),
    Message: MESSAGE,
    Tool: TOOL,
}
"""Values of the types of the fields of `Request`: a field of a new type must be added here."""
SHAPING = sorted(PARAMETERS.keys() - NOT_IN_DIGEST)


def values_of(annotation: Any) -> st.SearchStrategy[Any]:
    """Values of a field's type."""
    if annotation in VALUES:
        return VALUES[annotation]
    parts = [part for part in get_args(annotation) if part is not Ellipsis]
    if getattr(annotation, "__origin__", None) is tuple:
        return st.lists(VALUES[parts[0]], max_size=2).map(tuple)
    if getattr(annotation, "__origin__", None) is Mapping:
        return OBJECT
    return st.one_of([values_of(part) for part in parts])


FIELDS = {
    field.name: values_of(get_type_hints(Request)[field.name])
    for field in fields(Request)
    if field.name != "parameters"
}
FIELDS["parameters"] = st.dictionaries(
    st.sampled_from([*SHAPING, "new"]), st.integers(0, 3) | TEXT, max_size=3
)
REQUESTS = st.builds(Request, **FIELDS)


@given(request=REQUESTS, changes=st.fixed_dictionaries(FIELDS), name=st.sampled_from(sorted(FIELDS)))
def test_changing_any_field_that_can_change_the_answer_changes_the_digest(
    request: Request, changes: dict[str, Any], name: str
) -> None:
    """litellm#894, litellm#29955: a parameter that was dropped was missing from the cache's key."""
    other = replace(request, **{name: changes[name]})
    same = name in NOT_IN_DIGEST or _written(request, name) == _written(other, name)
    assert (other.digest() == request.digest()) == same


def _written(request: Request, name: str) -> bytes:
    """A field as it is sent; parameters have no order."""
    value = getattr(request, name)
    return orjson.dumps(sorted(value.items()) if name == "parameters" else value)


@given(request=REQUESTS, name=st.sampled_from(SHAPING), values=st.tuples(TEXT, TEXT))
def test_every_shaping_parameter_is_in_the_digest(
    request: Request, name: str, values: tuple[str, str]
) -> None:
    """`seed` 1 and `seed` 2 got one answer."""
    one, other = (replace(request, parameters={**request.parameters, name: value}) for value in values)
    assert (one.digest() == other.digest()) == (values[0] == values[1])


@given(request=REQUESTS, hints=st.dictionaries(st.sampled_from(sorted(NOT_IN_DIGEST - {"stream"})), TEXT))
def test_hints_and_the_order_of_parameters_are_not_in_the_digest(
    request: Request, hints: dict[str, str]
) -> None:
    backwards = dict(reversed({**request.parameters, **hints}.items()))
    other = replace(request, parameters=backwards, stream=not request.stream)
    assert other.digest() == request.digest()


def test_what_is_not_in_the_digest_is_known() -> None:
    """A parameter that is added here is shared by the answers of calls that differ in it."""
    assert sorted(NOT_IN_DIGEST) == [
        "metadata",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "stream",
        "user",
    ]
