"""Reads the further parameters of a chat completion request, by the table in `core/parameters.py`."""

from typing import Any

from ..core.parameters import PARAMETERS, without_neutral
from .fields import BadRequest, encodable


def read_parameters(fields: dict[str, Any]) -> dict[str, Any]:
    """The parameters in `fields` that say something, removed from it; neutral values are left out.

    Raises `BadRequest` for a wrong type, and for what asks for a reply that the stack cannot carry.
    """
    named = [name for name in fields if name in PARAMETERS]
    given = without_neutral({name: fields.pop(name) for name in named})
    return {name: _checked(name, value) for name, value in given.items()}


def _checked(name: str, value: Any) -> Any:
    row = PARAMETERS[name]
    if row.effect == "reply":
        raise BadRequest(
            f"Unsupported value: '{name}' is not supported by this gateway, expected {row.expected}.", name
        )
    if not row.valid(value):
        raise BadRequest(f"Invalid type for '{name}': expected {row.expected}.", name)
    return encodable(value, name)
