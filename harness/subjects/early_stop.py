"""A reason to end a run early: every call fails in the same way before anything is sent."""

CALLS = 20
"""Calls that must fail alike, from the first one on."""


class EarlyStop:
    """`note` each call as it ends; `reason` is None as long as there is hope."""

    def __init__(self) -> None:
        self._failed: int | None = 0
        self._first = ""

    def note(self, exception: str | None, *, sent: bool) -> None:
        """`exception`: the kind and message of what ended the call, None for a call that ended well."""
        if self._failed is None:
            return
        if exception is None or sent or (self._failed and exception != self._first):
            self._failed = None
        else:
            self._first = exception
            self._failed += 1

    def reason(self) -> str | None:
        """Why no further call is worth starting."""
        if self._failed is None or self._failed < CALLS:
            return None
        return f"stopped: the first {self._failed} calls sent nothing and all ended in {self._first}"
