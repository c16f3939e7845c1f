"""Calls for tests, made and changed by the names of their fields, whichever part of the call holds them."""

from dataclasses import fields, replace
from typing import Any

from harness.stack.core.call import Attempt, Call, Caller, Routing
from harness.stack.core.facts import CallFacts
from harness.stack.core.request import Message, Request

PARTS = {
    field.name: part
    for part, of in (("request", Request), ("caller", Caller), ("routing", Routing), ("attempt", Attempt))
    for field in fields(of)
    if field.name != "facts"
}
"""The part of a call that holds a field; no two parts have a field of one name."""


def changed(call: Call, **values: Any) -> Call:
    """A copy of `call` with these fields changed, of the call itself or of any of its parts."""
    for name, value in values.items():
        part = PARTS.get(name)
        if part is None:
            call = replace(call, **{name: value})
        else:
            call = replace(call, **{part: replace(getattr(call, part), **{name: value})})
    return call


def make_call(id: str, messages: tuple[Message, ...], facts: CallFacts | None = None, **values: Any) -> Call:
    """A call with facts of its own unless given, and these fields."""
    return changed(Call(id, Request(messages), facts or CallFacts(id)), **values)
