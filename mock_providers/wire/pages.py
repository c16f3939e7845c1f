"""Lists that are told page by page: a cursor is the id of the last item of the page before."""

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from ..exchange.bad_field import BadField

T = TypeVar("T")


class Page(NamedTuple, Generic[T]):
    """A part of a list, and whether there is more of it in the direction of paging."""

    items: Sequence[T]
    has_more: bool


def limit_of(query: Mapping[str, str], default: int, most: int) -> int:
    """The `limit` of a query; raises BadField."""
    given = query.get("limit")
    if given is None:
        return default
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        raise BadField(("limit",), "type", "integer", given)
    if int(given) < 1:
        raise BadField(("limit",), "minimum", "1", int(given))
    if int(given) > most:
        raise BadField(("limit",), "unsupported", f"expected at most {most}.", given)
    return int(given)


def page_after(items: Sequence[T], id_of: Callable[[T], str], after: str | None, limit: int) -> Page[T]:
    """The `limit` items that follow the one with the id `after`; nothing when there is no such item."""
    start = 0
    if after is not None:
        start = next((nth + 1 for nth, item in enumerate(items) if id_of(item) == after), len(items))
    return Page(items[start : start + limit], len(items) > start + limit)


def page_before(items: Sequence[T], id_of: Callable[[T], str], before: str, limit: int) -> Page[T]:
    """The `limit` items in front of the one with the id `before`."""
    end = next((nth for nth, item in enumerate(items) if id_of(item) == before), 0)
    return Page(items[max(0, end - limit) : end], end > limit)
