"""Responses that the gateway keeps for `previous_response_id` and retrieval: by client, in bounded memory."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import orjson

from ...core.call import Caller

Json = dict[str, Any]
Owner = tuple[str, str]
_MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class KeptResponse:
    """A response object, and the items of its input: the whole conversation before it."""

    response: Json
    input_items: tuple[Json, ...]

    @property
    def items(self) -> tuple[Json, ...]:
        """The conversation, its answer included."""
        return (*self.input_items, *self.response["output"])


class ResponseStore:
    """Responses by owner and id; those used longest ago go where there is no room.

    `most_bytes`: of all of them together, as JSON (default 64 MiB). A client sees the responses of its own
    credential and tenant only.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._kept: OrderedDict[tuple[Owner, str], tuple[KeptResponse, int]] = OrderedDict()
        self._room = most_bytes

    def put(self, owner: Owner, response: KeptResponse) -> None:
        """Keep a response."""
        key = (owner, response.response["id"])
        self._drop(key)
        size = len(orjson.dumps([response.response, response.input_items]))
        self._kept[key] = (response, size)
        self._room -= size
        while self._room < 0:
            self._drop(next(iter(self._kept)))

    def get(self, owner: Owner, response_id: str) -> KeptResponse | None:
        """The response, None if this owner has none of this id."""
        key = (owner, response_id)
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key][0]

    def delete(self, owner: Owner, response_id: str) -> bool:
        """Forget a response; whether it was there."""
        return self._drop((owner, response_id))

    def _drop(self, key: tuple[Owner, str]) -> bool:
        found = self._kept.pop(key, None)
        self._room += 0 if found is None else found[1]
        return found is not None


def owner_of(caller: Caller) -> Owner:
    """The client whose responses these are."""
    return caller.tenant, caller.key
