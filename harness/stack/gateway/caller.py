"""The caller of a request, from its headers."""

from collections.abc import Mapping
from hashlib import sha256
from typing import cast

from ..core.call import CacheUse, Caller

CREDENTIALS = ("authorization", "x-api-key", "api-key")
"""Headers that may hold a client's credential: OpenAI's and most, Anthropic's, Azure's."""


def caller_of(headers: Mapping[str, str]) -> Caller:
    """Tenant, key, priority, cache use, hint and residency; unknown values mean the default."""
    header = headers.get
    return Caller(
        tenant=header("x-brownout-tenant", ""),
        key=key_name(*[header(name, "") for name in CREDENTIALS]),
        priority="batch" if header("x-brownout-priority") == "batch" else "interactive",
        cache=_cache_use(header("x-brownout-cache", "")),
        hint=header("x-brownout-hint", ""),
        residency=header("x-brownout-residency", ""),
    )


def key_name(*headers: str) -> str:
    """The name of a client's credential: "key-" and 12 hex digits of its SHA-256, "" without one.

    The same key has the same name in any of the `CREDENTIALS`; different keys in several of them are one
    credential together.
    """
    keys = [value[7:].strip() if value[:7].lower() == "bearer " else value.strip() for value in headers]
    credential = "\n".join(dict.fromkeys(key for key in keys if key))
    return f"key-{sha256(credential.encode()).hexdigest()[:12]}" if credential else ""


def _cache_use(value: str) -> CacheUse:
    """Unknown values mean "use"."""
    return cast("CacheUse", value) if value in ("refresh", "bypass") else "use"
