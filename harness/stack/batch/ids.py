"""What a request is called in a batch: its attempt's id, in the letters that both providers take."""

import re
from hashlib import sha256

FITS = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def custom_id(attempt_id: str) -> str:
    """`call/1` as `call-1`; an id with other letters, or too long, by its digest."""
    call_id, _, n = attempt_id.rpartition("/")
    plain = f"{call_id}-{n}"
    return plain if FITS.fullmatch(plain) else f"{sha256(attempt_id.encode()).hexdigest()[:40]}-{n}"


def attempt_id(custom_id: str) -> str:
    """The other way round, for an id that fitted; another's id as it is."""
    call_id, _, n = custom_id.rpartition("-")
    return f"{call_id}/{n}" if call_id and n.isdecimal() else custom_id
