"""One more request, at once and on a fresh connection, when the server had closed the one that was used.

A server may close an idle connection at the moment when it is used again (uvicorn after 5 seconds), and every
client of a pool meets that. No byte of a reply was read, so the request is sent once more (RFC 9110, section
9.2.2).
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from ..core.call import Call, Next
from ..core.errors import ProviderError
from ..core.reply import Reply

T = TypeVar("T")


class Resend:
    """The layer above the attempt ledger: the second request is an attempt of its own, with its own row and
    permit. It costs no retry and asks no retry budget.
    """

    async def __call__(self, call: Call, next: Next) -> Reply:
        return await resent(lambda fresh: next(_again(call) if fresh else call))


def _again(call: Call) -> Call:
    return call.with_attempt(kind="retry", backoff_s=0.0, fresh_connection=True)


async def resent(send: Callable[[bool], Awaitable[T]]) -> T:
    """The result of `send(False)`; if a used connection broke unread, of `send(True)`, on a fresh one."""
    try:
        return await send(False)
    except ProviderError as error:
        if not error.unread:
            raise
    return await send(True)
