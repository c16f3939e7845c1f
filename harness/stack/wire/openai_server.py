"""OpenAI's chat completions from the server's side: a request body becomes call fields, events become bytes.

Parameters the stack cannot honour are refused by name: dropping them silently would change the answer.
"""

from dataclasses import dataclass
from typing import Any

import orjson

from ..call import Message, Role
from ..errors import StackError
from ..reply import Finish, Usage

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}
IGNORED = ("user", "metadata", "store", "seed", "safety_identifier", "prompt_cache_key")
"""Parameters that change nothing about the answer here."""
NEUTRAL: dict[str, Any] = {"n": 1, "presence_penalty": 0, "frequency_penalty": 0, "logprobs": False}
"""Parameters that are fine at the value that means "as usual"."""


class BadRequest(StackError):
    """The client's request is wrong; `param` says where."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__("bad_request", message)
        self.param = param


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A parsed chat completion request."""

    messages: tuple[Message, ...]
    model: str
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    stream: bool = False
    include_usage: bool = False


def parse_chat_request(body: bytes) -> ChatRequest:
    """The request in `body`. Raises `BadRequest`."""
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest("We could not parse the JSON body of your request.") from error
    if not isinstance(asked, dict):
        raise BadRequest("The body must be a JSON object.")
    fields = dict(asked)
    options = _take(fields, "stream_options", dict, {})
    limit = _take(fields, "max_tokens", int, None)
    request = ChatRequest(
        messages=_messages(fields.pop("messages", None)),
        model=_take(fields, "model", str, ""),
        max_tokens=_take(fields, "max_completion_tokens", int, limit),
        temperature=_take(fields, "temperature", (int, float), None),
        top_p=_take(fields, "top_p", (int, float), None),
        stop=_stop(fields.pop("stop", None)),
        stream=_take(fields, "stream", bool, False),
        include_usage=bool(options.get("include_usage")),
    )
    if request.max_tokens is not None and request.max_tokens < 1:
        raise BadRequest("max_tokens must be at least 1.", "max_tokens")
    for name, value in fields.items():
        if name not in IGNORED and value is not None and NEUTRAL.get(name, ...) != value:
            raise BadRequest(f"Unsupported parameter: '{name}' is not supported by this gateway.", name)
    return request


def _take(fields: dict[str, Any], name: str, kind: type | tuple[type, ...], default: Any) -> Any:
    value = fields.pop(name, None)
    if value is None:
        return default
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise BadRequest(f"Invalid type for '{name}'.", name)
    return value


def _messages(value: Any) -> tuple[Message, ...]:
    if not isinstance(value, list) or not value:
        raise BadRequest("'messages' must be a non-empty array.", "messages")
    return tuple(_message(turn, f"messages[{n}]") for n, turn in enumerate(value))


def _message(turn: Any, where: str) -> Message:
    role = ROLES.get(str(turn.get("role"))) if isinstance(turn, dict) else None
    if role is None:
        raise BadRequest(f"{where}.role must be one of {', '.join(ROLES)}.", where)
    return Message(role, _text(turn.get("content"), f"{where}.content"))


def _text(content: Any, where: str) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        texts = [part for part in parts if isinstance(part, str)]
        if len(texts) == len(content):
            return "".join(texts)
    raise BadRequest(f"{where} must be a string or an array of text parts.", where)


def _stop(value: Any) -> tuple[str, ...]:
    stops = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(stops, list) or len(stops) > 4 or not all(isinstance(stop, str) for stop in stops):
        raise BadRequest("'stop' must be a string or an array of at most 4 strings.", "stop")
    return tuple(stops)


@dataclass(frozen=True, slots=True)
class Identity:
    """What every chunk of one reply repeats."""

    id: str
    created: int
    model: str

    def envelope(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}


class ChunkWriter:
    """Writes one stream. A content chunk is a prepared prefix, the text, and a prepared suffix."""

    def __init__(self, identity: Identity, *, include_usage: bool) -> None:
        self._identity = identity
        self._include_usage = include_usage
        marker = self._chunk({"content": "\x00"}, None)
        self._prefix, self._suffix = marker.split(orjson.dumps("\x00"))

    def role(self) -> bytes:
        """The chunk that opens the stream."""
        return self._chunk({"role": "assistant", "content": "", "refusal": None}, None)

    def text(self, text: str) -> bytes:
        """One content chunk."""
        return self._prefix + orjson.dumps(text) + self._suffix

    def finish(self, finish: Finish) -> bytes:
        """The finish chunk, and the usage chunk if it was asked for and is known."""
        written = self._chunk({}, finish.reason)
        if self._include_usage and finish.usage is not None:
            envelope = self._identity.envelope("chat.completion.chunk")
            written += _data(envelope | {"choices": [], "usage": usage_json(finish.usage)})
        return written

    def _chunk(self, delta: dict[str, Any], reason: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        chunk = self._identity.envelope("chat.completion.chunk") | {"choices": [choice]}
        return _data(chunk | {"usage": None} if self._include_usage else chunk)


def completion(identity: Identity, text: str, finish: Finish) -> bytes:
    """A whole JSON reply."""
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish.reason}
    reply = identity.envelope("chat.completion") | {"choices": [choice]}
    return orjson.dumps(reply if finish.usage is None else reply | {"usage": usage_json(finish.usage)})


def usage_json(usage: Usage) -> dict[str, Any]:
    """Usage in OpenAI's words."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_input_tokens, "audio_tokens": 0},
    }


def error_json(kind: str, code: str, message: str, param: str | None = None) -> bytes:
    """An error body, which is also the payload of an in-band error event."""
    return orjson.dumps({"error": {"message": message, "type": kind, "param": param, "code": code}})


def comment(text: bytes) -> bytes:
    """An SSE comment line: every parser skips it, whoever wants to can read it."""
    return b": " + text + b"\n\n"


def data(payload: bytes) -> bytes:
    """One SSE event."""
    return b"data: " + payload + b"\n\n"


def _data(chunk: dict[str, Any]) -> bytes:
    return data(orjson.dumps(chunk))


DONE = b"data: [DONE]\n\n"
