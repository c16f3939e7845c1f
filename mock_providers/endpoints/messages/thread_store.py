"""Message threads of a provider: conversations by the id of their last reply, for five minutes after their
last use.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LIFE_S = 300.0
"""Source: platform.claude.com/docs/en/build-with-claude/message-threads."""
_MOST_THREADS = 1_000
_MOST_BYTES = 64 * 1024 * 1024
"""To bound the memory of a mock: the thread unused for longest goes first."""


@dataclass(slots=True)
class Thread:
    """A conversation up to a reply: the fields and messages that a next request continues.

    - `size`: bytes of its JSON
    - `until`: when it expires, on the loop's clock
    - `used`: whether a request has continued from it
    """

    kept: Mapping[str, Any]
    size: int
    until: float
    used: bool = False


class ThreadStore:
    """Threads by the id of their last reply; the oldest are dropped when they are too many or too large."""

    def __init__(self) -> None:
        self._threads: OrderedDict[str, Thread] = OrderedDict()
        self._bytes = 0

    def put(self, message_id: str, kept: Mapping[str, Any], size: int, now: float) -> None:
        """Keep a conversation under the id of its last reply."""
        self._drop(message_id)
        self._threads[message_id] = Thread(kept, size, now + LIFE_S)
        self._bytes += size
        while self._threads and (len(self._threads) > _MOST_THREADS or self._bytes > _MOST_BYTES):
            self._drop(next(iter(self._threads)))

    def get(self, message_id: str, now: float) -> Thread | None:
        """The thread, None when it has expired or never was."""
        thread = self._threads.get(message_id)
        if thread is not None and thread.until <= now:
            self._drop(message_id)
            return None
        return thread

    def _drop(self, message_id: str) -> None:
        thread = self._threads.pop(message_id, None)
        if thread is not None:
            self._bytes -= thread.size
