"""The items of batches that an earlier process sent: a call with the same id and request joins its batch."""

from .http import BatchItem
from .ids import custom_id
from .journal import BatchState, Journal


class EarlierBatches:
    """The items in a journal that no call has joined yet, and the ids of all of them."""

    def __init__(self, journal: Journal) -> None:
        states = journal.states()
        self.count = len(states)
        self._waiting = {item: state for state in states for item in journal.items(state.key)}
        self._ids = {item.custom_id for item in self._waiting}

    def item(self, attempt_id: str, body: bytes, taken: set[str]) -> BatchItem:
        """The attempt's item in an earlier batch, or one whose id is neither there nor `taken`."""
        nth = 0
        while True:
            item = BatchItem(custom_id(attempt_id, body, nth), body)
            free = item.custom_id not in self._ids and item.custom_id not in taken
            if item in self._waiting or free:
                return item
            nth += 1

    def join(self, item: BatchItem) -> BatchState | None:
        """The batch that the item is in, for one call; None if it is new."""
        return self._waiting.pop(item, None)
