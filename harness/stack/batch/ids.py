"""The `custom_id` of a batch item: its attempt's id, in the characters that both providers accept."""

import re
from hashlib import sha256

FITS = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def custom_id(attempt_id: str) -> str:
    """`call/1` becomes `call-1`; an id with other characters, or too long, becomes a digest."""
    call_id, _, n = attempt_id.rpartition("/")
    plain = f"{call_id}-{n}"
    return plain if FITS.fullmatch(plain) else f"{sha256(attempt_id.encode()).hexdigest()[:40]}-{n}"


def attempt_id(custom_id: str) -> str:
    """The inverse of `custom_id` unless that was a digest; an unknown id is returned unchanged."""
    call_id, _, n = custom_id.rpartition("-")
    return f"{call_id}/{n}" if call_id and n.isdecimal() else custom_id
