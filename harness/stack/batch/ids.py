"""The `custom_id` of a batch item, in the characters that both providers accept: at most 64 of `a-zA-Z0-9_-`.

It is the attempt's id and a digest of the request, so an answer that bears the id of an item is the answer to
its question, whichever batch it is found in: batches of two processes whose calls have equal ids, or two
calls of one process with one id, have different ids unless they ask the same.
"""

import re
from hashlib import sha256

FITS = re.compile(r"[a-zA-Z0-9_-]{1,64}")
OURS = re.compile(r"(.+)-(\d+)-[0-9a-f]{12}")


def custom_id(attempt_id: str, body: bytes, nth: int = 0) -> str:
    """`call/1` becomes `call-1-0123456789ab`; an id with other characters, or too long, becomes a digest.

    `nth` tells equal requests of one id apart.
    """
    call_id, _, n = attempt_id.rpartition("/")
    marked = body if nth == 0 else b"%d %b" % (nth, body)
    digest = sha256(marked).hexdigest()[:12]
    plain = f"{call_id}-{n}-{digest}"
    return plain if FITS.fullmatch(plain) else f"{sha256(attempt_id.encode()).hexdigest()[:40]}-{n}-{digest}"


def attempt_id(custom_id: str) -> str:
    """The inverse of `custom_id` unless the call's id became a digest; a foreign id is returned unchanged."""
    ours = OURS.fullmatch(custom_id)
    return f"{ours[1]}/{ours[2]}" if ours else custom_id
