"""Manifests of older schema versions as those of the present one.

Version 1 recorded only the calls that had ended: its planned counts are unknown, so nothing is held against
them. It called every run that ended early "partial"; one that was not stopped by its user is "broken".
Columns that a version added are filled with nulls where the tables are read.
"""

from collections.abc import Mapping
from typing import Any

_STOPPED = ("interrupted", "stopped")
"""Beginnings of the reasons for which a user's stop ended a run of version 1."""


def upgraded(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest `raw` in the present version; other versions than 1 are left to the validation."""
    found = dict(raw)
    if found.get("schema_version") == 1:
        reason = str(found.get("status_reason") or "stopped")
        if found.get("status") == "partial" and not reason.startswith(_STOPPED):
            found["status"] = "broken"
        found["schema_version"] = 2
    return found
