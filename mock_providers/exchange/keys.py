"""Names of API keys for the ledger and fault schedules, which never hold a key in plain text."""

import hashlib
from functools import lru_cache


@lru_cache(maxsize=4096)
def key_id(key: str) -> str:
    """`key-` and the first 6 hex digits of the key's SHA-256; "" without a key."""
    return f"key-{hashlib.sha256(key.encode()).hexdigest()[:6]}" if key else ""
