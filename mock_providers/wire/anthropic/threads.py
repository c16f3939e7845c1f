"""Message threads: a conversation that the provider keeps, so that a request sends its new messages only.

Source: platform.claude.com/docs/en/build-with-claude/message-threads; the errors: the SDK's
`ThreadNotFoundError`, `ThreadAlreadyContinuedError` and `ThreadFingerprintMismatchError`.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ...exchange.bad_field import BadField
from ...exchange.request import Problem
from ..fields import Fields

FIXED = ("system", "tools", "tool_choice", "model")
"""Fields that a thread keeps: a later request leaves them out, or repeats them unchanged."""
_INVALID = "invalid_request_error"


class ThreadUse(NamedTuple):
    """The thread of a request: `previous`: the message that it continues; None: it creates one."""

    previous: str | None


def thread_of(body: Any) -> ThreadUse | None:
    """The thread that a request's JSON asks for, None without one; raises BadField."""
    if not isinstance(body, dict) or body.get("thread") is None:
        return None
    thread = Fields(body).inner("thread")
    if thread.choice("type", ("create", "continue")) == "create":
        return ThreadUse(None)
    return ThreadUse(thread.text("previous_message_id"))


def continued(kept: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a request with the conversation before it; raises BadField for messages that are no
    array.
    """
    new = body.get("messages")
    if not isinstance(new, list):
        raise BadField(("messages",), "type", "array", new)
    fixed = {name: kept[name] for name in FIXED if name in kept}
    return {**fixed, **body, "messages": [*kept["messages"], *new]}


def changed(kept: Mapping[str, Any], body: Mapping[str, Any]) -> list[str]:
    """The fixed fields that a request gives another value than its thread has."""
    return [name for name in FIXED if name in body and body[name] != kept.get(name)]


def not_found(message_id: str) -> Problem:
    """The thread has expired, or never was."""
    message = (
        f"No usable Thread state was found for previous_message_id {message_id}. Replay the full "
        'conversation with thread: {"type": "create"} to start a new Thread.'
    )
    return Problem(404, "not_found_error", message, details={"error_code": "thread_not_found"})


def already_continued(message_id: str) -> Problem:
    """Another request has continued from this message."""
    message = (
        f"The response {message_id} has already been continued, and each response can be continued only "
        "once. Continue from the Thread's most recent response id."
    )
    return Problem(400, _INVALID, message, details={"error_code": "thread_already_continued"})


def fields_changed(names: list[str]) -> Problem:
    """A field that must stay the same differs from the thread's."""
    message = (
        f"{', '.join(names)}: must stay the same across a Thread's turns. Send the stored values, or replay "
        'the full conversation with thread: {"type": "create"} to change them.'
    )
    return Problem(400, _INVALID, message, details={"error_code": "thread_fingerprint_mismatch"})
