"""The responses that one provider has stored, oldest first.

OpenAI keeps them for 30 days (developers.openai.com/api/docs/guides/conversation-state); here the oldest make
room for the newest.
"""

from collections.abc import Iterable
from math import inf

from ...wire.responses.items import Json
from .stored_response import StoredResponse

_MOST_BYTES = 256 * 1024 * 1024
"""Of the inputs and outputs of all responses together, to bound the memory of a mock."""


class ResponseStore:
    """Responses by id; those that run in the background stay until they have ended, deleted or not.

    `next_due`: when the next of those ends (loop's clock); infinity: none runs
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._responses: dict[str, StoredResponse] = {}
        self._owners: dict[str, str] = {}
        self._room = most_bytes
        self._running: dict[str, StoredResponse] = {}
        self.next_due = inf

    def add(self, response: StoredResponse) -> None:
        """Keep a response; the oldest ones go where there is no room."""
        self._responses[response.id] = response
        self._room -= response.size
        self._owners.update(dict.fromkeys(response.item_ids, response.id))
        if response.background is not None:
            self._running[response.id] = response
            self._look_ahead()
        while self._room < 0 and len(self._responses) > 1:
            self.delete(next(iter(self._responses)))

    def get(self, response_id: str) -> StoredResponse | None:
        """The response, None when there is none."""
        return self._responses.get(response_id)

    def delete(self, response_id: str) -> bool:
        """Forget a response and its items; whether it was there."""
        response = self._responses.pop(response_id, None)
        if response is None:
            return False
        self._room += response.size
        for item_id in response.item_ids:
            if self._owners.get(item_id) == response_id:
                del self._owners[item_id]
        return True

    def item(self, item_id: str, now: float) -> Json | None:
        """A stored item by its id."""
        owner = self._responses.get(self._owners.get(item_id, ""))
        items = [] if owner is None else owner.items_at(now)
        return next((item for item in items if item["id"] == item_id), None)

    def ended(self, response_id: str, tokens_sent: int, now: float) -> None:
        """The request for a response has ended; if its client left, a foreground response is cancelled.

        Source: developers.openai.com/api/docs/guides/background: to cancel a synchronous response, terminate
        the connection.
        """
        response = self._responses.get(response_id)
        if response is not None and response.background is None:
            response.sent(tokens_sent, now)

    def due(self, now: float) -> Iterable[StoredResponse]:
        """The background responses that have ended by now, each once."""
        ended = [each for each in self._running.values() if each.ends_at <= now]
        for response in ended:
            del self._running[response.id]
        self._look_ahead()
        return ended

    def cancel(self, response: StoredResponse, now: float) -> None:
        """End a background response now, unless it has ended."""
        if now < response.ends_at:
            response.cut = now
            self._look_ahead()

    def _look_ahead(self) -> None:
        self.next_due = min((each.ends_at for each in self._running.values()), default=inf)
