"""A changed copy of a call: one part changed by keyword, the rest the same."""

from typing import Any

import pytest

from tests.stack.conftest import a_call


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("request", {"prefill": "It is"}),
        ("caller", {"tenant": "acme"}),
        ("routing", {"only": ("openai",)}),
        ("attempt", {"kind": "retry"}),
    ],
)
def test_a_changed_copy_differs_in_these_fields_alone(part: str, change: dict[str, Any]) -> None:
    call = a_call()
    changed = getattr(call, f"with_{part}")(**change)
    for other in ("request", "caller", "routing", "attempt"):
        before, after = getattr(call, other), getattr(changed, other)
        assert (before == after) == (other != part)
    [(name, value)] = change.items()
    assert getattr(getattr(changed, part), name) == value
    assert changed.facts is call.facts


@pytest.mark.parametrize("part", ["request", "caller", "routing", "attempt"])
def test_an_unknown_field_and_a_value_without_a_name_are_refused(part: str) -> None:
    change = getattr(a_call(), f"with_{part}")
    with pytest.raises(TypeError):
        change(nope=1)
    with pytest.raises(TypeError):
        change("batch")
