"""The shape that a reply must have for each protocol's client to understand it, error replies above all."""

from typing import Any

import orjson
from anthropic.types import ErrorResponse
from openai.types.shared import ErrorObject

from tests.fuzz.fuzz_world import Got

_GOOGLE_CODES = {
    400: {"INVALID_ARGUMENT", "FAILED_PRECONDITION"},
    401: {"UNAUTHENTICATED"},
    403: {"PERMISSION_DENIED"},
    404: {"NOT_FOUND"},
    405: {"NOT_FOUND"},
    429: {"RESOURCE_EXHAUSTED"},
}


def check_error(protocol: str, got: Got) -> None:
    """Check an error reply against the shape that the protocol's SDK models."""
    assert got.headers[b"content-type"].startswith(b"application/json")
    body = got.json
    {"anthropic": _anthropic, "gemini": _gemini}.get(protocol, _openai)(body, got)
    text = got.body.decode()
    assert "Traceback" not in text
    assert "mock_providers" not in text


def _openai(body: Any, got: Got) -> None:
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert ErrorObject.model_validate(body["error"], strict=True).message
    assert got.headers[b"x-request-id"]


def _anthropic(body: Any, got: Got) -> None:
    assert set(body) == {"type", "error", "request_id"}
    if got.status != 413:  # the SDK recognises this one by its status and models no type for it
        ErrorResponse.model_validate(body, strict=True)
    assert body["error"]["message"]
    assert body["request_id"].encode() == got.headers[b"request-id"]


def _gemini(body: Any, got: Got) -> None:
    assert set(body) == {"error"}
    error = body["error"]
    assert set(error) - {"details"} == {"code", "message", "status"}
    assert error["code"] == got.status
    assert error["status"] in _GOOGLE_CODES[got.status]
    assert error["message"]
    assert all(each["@type"].startswith("type.googleapis.com/") for each in error.get("details", []))


def check_success(protocol: str, got: Got) -> None:
    """Check for JSON, complete server-sent events, or a stored file."""
    kind = got.headers[b"content-type"]
    if kind.startswith(b"application/json"):
        assert got.json is not None
    elif kind.startswith(b"text/event-stream"):
        _check_events(protocol, got.body)
    elif kind.startswith(b"application/x-jsonl"):
        assert all(orjson.loads(line) for line in got.body.splitlines())
    else:
        assert kind == b"application/octet-stream"


def _check_events(protocol: str, body: bytes) -> None:
    end = b"\r\n\r\n" if protocol == "gemini" else b"\n\n"
    *events, rest = body.split(end)
    assert rest == b""
    assert events
    named = protocol == "anthropic" or body.startswith(b"event: response.created")
    names = []
    for event in events:
        *head, data = event.split(b"\n")
        assert len(head) == named
        assert data.startswith(b"data: ")
        content = data.removeprefix(b"data: ")
        names.append(content if content == b"[DONE]" else orjson.loads(content).get("type"))
    if protocol == "anthropic":
        assert (names[0], names[-1]) == ("message_start", "message_stop")
    elif named:
        assert names[-1] in ("response.completed", "response.incomplete")
    elif protocol in ("openai", "together"):
        assert names[-1] == b"[DONE]"
