"""The items of an input: as a client sends them, and as they are stored.

Sources: `ResponseInputItemParam` and `ResponseItem` of the openai SDK.
"""

from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any

from ...exchange.bad_field import BadField
from ...exchange.request import Refused
from ..fields import Fields
from .content import as_parts
from .errors import item_not_found

Json = dict[str, Any]
FindItem = Callable[[str], Json | None]
"""A stored item by its id."""

_PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
    "compaction": "cmp",
}


def read_items(fields: Fields, find: FindItem, *, required: bool) -> tuple[Json, ...]:
    """The items of `input`, references replaced by what they refer to; raises BadField and Refused.

    `required`: the input may not be missing or empty.
    """
    if not fields.present("input") and not required:
        return ()
    value = fields.require("input")
    if isinstance(value, str):
        return ({"type": "message", "role": "user", "content": value},)
    if not isinstance(value, list):
        raise BadField(("input",), "type", "string", value)
    if not value and required:
        raise BadField(("input",), "unsupported", "empty array. Expected an array with minimum length 1.")
    return tuple(_item(item, nth, find) for nth, item in enumerate(value))


def _item(item: Any, nth: int, find: FindItem) -> Json:
    fields = Fields(item, ("input", nth))
    kind = fields.read("type", "string") or ("message" if fields.present("role") else "item_reference")
    if kind == "item_reference":
        return _referred(fields.text("id"), find)
    if kind == "reasoning" and not fields.present("encrypted_content") and fields.present("id"):
        return _referred(fields.text("id"), find)
    return {**item, "type": kind}


def _referred(item_id: str, find: FindItem) -> Json:
    item = find(item_id)
    if item is None:
        raise Refused(item_not_found(item_id))
    return item


def stored_items(items: Iterable[Json], response_id: str) -> tuple[Json, ...]:
    """The items as they are listed: with ids, messages with a status and parts."""
    return tuple(_stored(item, nth, response_id) for nth, item in enumerate(items))


def _stored(item: Json, nth: int, response_id: str) -> Json:
    kind = item["type"]
    with_id = {**item, "id": item.get("id") or item_id(kind, response_id, f"in{nth}")}
    if kind != "message":
        return {"status": "completed", **with_id} if kind != "reasoning" else with_id
    content = as_parts(item["role"], item["content"])
    return {"status": "completed", **with_id, "content": content}


def item_id(kind: str, response_id: str, nth: int | str) -> str:
    """The id of an item of a response."""
    digest = blake2b(f"{response_id}/{nth}".encode(), digest_size=24).hexdigest()
    return f"{_PREFIXES.get(kind, 'item')}_{digest}"


def identity_of(item: Json) -> Json:
    """The item without what names or annotates it: equal for equal conversations, whoever kept them."""
    kept = {key: item[key] for key in item if key not in ("id", "status", "phase")}
    if item["type"] == "message":
        kept["content"] = [_bare(part) for part in as_parts(item["role"], item["content"])]
    return kept


def _bare(part: Json) -> Json:
    return {key: part[key] for key in part if key not in ("annotations", "logprobs")}
