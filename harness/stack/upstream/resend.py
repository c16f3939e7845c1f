"""One more attempt, at once and on a fresh connection, when the server had closed the one that was used.

A server may close an idle connection at the moment when it is used again (uvicorn after 5 seconds), and every
client of a pool meets that. No byte of a reply was read, so the request is sent once more (RFC 9110, section
9.2.2). That is an attempt of its own, with its own row and permit.
"""

from ..core.call import Call, Next
from ..core.errors import ProviderError
from ..core.reply import Reply


class Resend:
    """The layer above the attempt ledger. It costs no retry and asks no retry budget."""

    async def __call__(self, call: Call, next: Next) -> Reply:
        try:
            return await next(call)
        except ProviderError as error:
            if not error.unread:
                raise
        return await next(call.with_attempt(kind="retry", backoff_s=0.0, fresh_connection=True))
