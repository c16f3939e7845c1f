"""Changed copies of frozen dataclasses equal those of `dataclasses.replace`, and refuse the same mistakes."""

from dataclasses import dataclass, field, fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.core.call import Attempt, Call, Caller, Routing
from harness.stack.core.copies import copier
from harness.stack.core.request import Request


@pytest.mark.parametrize("kind", [Attempt, Caller, Routing, Request])
@given(data=st.data())
def test_a_copy_equals_that_of_replace(kind: Any, data: st.DataObject) -> None:
    names = [field.name for field in fields(kind)]
    changes = {name: object() for name in data.draw(st.sets(st.sampled_from(names)))}
    value = kind()
    assert copier(kind)(value, changes) == replace(value, **changes)
    assert value == kind()


def test_a_copy_has_no_unknown_field() -> None:
    with pytest.raises(TypeError, match="Caller has no teant"):
        copier(Caller)(Caller(), {"teant": "acme"})


def test_a_class_with_a_post_init_has_no_such_copies() -> None:
    @dataclass(frozen=True, slots=True)
    class Checked:
        parts: list[int] = field(default_factory=list)

        def __post_init__(self) -> None: ...

    with pytest.raises(TypeError, match="__post_init__"):
        copier(Checked)


def test_every_part_of_a_call_is_changed_by_keyword_alone() -> None:
    part: Any = Call.with_caller
    with pytest.raises(TypeError, match="by keyword"):
        part(None, "acme")
