"""Cursor pagination of lists: a cursor is the id of an item, the page begins after it or ends before it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from ..exchange.bad_field import BadField

T = TypeVar("T")


class Page(NamedTuple, Generic[T]):
    """One page; `has_more`: whether items follow in the direction of paging."""

    items: Sequence[T]
    has_more: bool


def limit_of(query: Mapping[str, str], default: int, most: int) -> int:
    """The `limit` of a query, an integer of 1 to `most`; raises BadField."""
    limit = query.get("limit")
    if limit is None:
        return default
    if not (limit.isascii() and limit.isdigit() and len(limit) < 10):
        raise BadField(("limit",), "type", "integer", limit)
    if int(limit) < 1:
        raise BadField(("limit",), "minimum", "1", int(limit))
    if int(limit) > most:
        raise BadField(("limit",), "unsupported", f"expected at most {most}.", limit)
    return int(limit)


def page_after(items: Sequence[T], id_of: Callable[[T], str], after: str | None, limit: int) -> Page[T]:
    """At most `limit` items after the item `after` (None: from the start); empty when it is unknown."""
    start = 0
    if after is not None:
        start = next((nth + 1 for nth, item in enumerate(items) if id_of(item) == after), len(items))
    return Page(items[start : start + limit], len(items) > start + limit)


def page_before(items: Sequence[T], id_of: Callable[[T], str], before: str, limit: int) -> Page[T]:
    """At most `limit` items just before the item `before`; empty when it is unknown."""
    end = next((nth for nth, item in enumerate(items) if id_of(item) == before), 0)
    return Page(items[max(0, end - limit) : end], end > limit)
