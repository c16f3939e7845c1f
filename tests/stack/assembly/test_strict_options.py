"""No table of a stack file takes a value of another type for a number."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from harness.stack.assembly.options import StackOptions
from harness.stack.config.options import Options


def tables(table: type[Options], seen: dict[type[Options], None]) -> None:
    """Every options class that a stack file can hold, in `seen`."""
    if table in seen:
        return
    seen[table] = None
    for field in table.model_fields.values():
        for inner in classes_in(field.annotation):
            tables(inner, seen)


def classes_in(annotation: Any) -> Iterator[type[Options]]:
    if isinstance(annotation, type) and issubclass(annotation, Options):
        yield annotation
    for argument in get_args(annotation):
        yield from classes_in(argument)


FOUND: dict[type[Options], None] = {}
tables(StackOptions, FOUND)
NUMBERS = [
    pytest.param(table, name, id=f"{table.__name__}.{name}")
    for table in FOUND
    for name, field in table.model_fields.items()
    if {int, float} & {field.annotation, *get_args(field.annotation)}
    and not {str, bool} & {field.annotation, *get_args(field.annotation)}
]


@pytest.mark.parametrize(("table", "name"), NUMBERS)
@pytest.mark.parametrize("value", [True, "5"])
def test_neither_true_nor_text_is_a_number(table: type[Options], name: str, value: object) -> None:
    with pytest.raises(ValidationError) as error:
        table.model_validate({name: value})
    assert any(problem["loc"] == (name,) for problem in error.value.errors())


def test_every_kind_of_table_was_looked_at() -> None:
    assert len(FOUND) > 15
    assert len(NUMBERS) > 60
