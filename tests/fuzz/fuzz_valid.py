"""A valid request for every route of every protocol: the mutations start from these."""

import re
from typing import Any, NamedTuple

import orjson

from tests.fuzz.fuzz_world import Sent

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "array", "items": {"type": "integer"}}},
    "required": ["city"],
}
CHAT: dict[str, Any] = {
    "model": "m-1",
    "messages": [
        {"role": "system", "content": "Be kind. Write json."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "look", "arguments": '{"city":"x"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
        {"role": "user", "content": "in about 12 tokens"},
    ],
    "max_completion_tokens": 20,
    "stop": ["x"],
    "n": 2,
    "stream": True,
    "stream_options": {"include_usage": True},
    "temperature": 0.5,
    "tools": [{"type": "function", "function": {"name": "look", "description": "d", "parameters": SCHEMA}}],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": SCHEMA}},
    "metadata": {"a": "b"},
}
RESPONSE: dict[str, Any] = {
    "model": "m-1",
    "instructions": "Be kind.",
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": '{"city":"x"}'},
        {"type": "function_call_output", "call_id": "call_1", "output": "sunny"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Yes."}]},
        {"role": "user", "content": "in about 12 tokens"},
    ],
    "include": ["reasoning.encrypted_content"],
    "max_output_tokens": 30,
    "metadata": {"a": "b"},
    "parallel_tool_calls": True,
    "reasoning": {"effort": "low", "summary": "auto"},
    "store": True,
    "stream": True,
    "stream_options": {"include_obfuscation": True},
    "temperature": 0.5,
    "text": {"format": {"type": "json_schema", "name": "s", "schema": SCHEMA}, "verbosity": "low"},
    "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "custom", "name": "sql"}]},
    "tools": [
        {"type": "function", "name": "look", "description": "d", "parameters": SCHEMA},
        {"type": "custom", "name": "sql"},
        {"type": "mcp", "server_label": "l"},
    ],
}
MESSAGES: dict[str, Any] = {
    "model": "m-1",
    "max_tokens": 20,
    "system": [{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
    "messages": [
        {"role": "user", "content": "Hi"},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"city": "x"}}],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"}]},
    ],
    "stop_sequences": ["x"],
    "stream": True,
    "tools": [{"name": "look", "description": "d", "input_schema": SCHEMA}],
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    "metadata": {"user_id": "u"},
}
COUNTED = {key: MESSAGES[key] for key in ("model", "system", "messages", "tools", "tool_choice")}
GEMINI: dict[str, Any] = {
    "systemInstruction": {"parts": [{"text": "Be kind."}]},
    "contents": [
        {"role": "user", "parts": [{"text": "Hi"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "look", "args": {"city": "x"}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "look", "response": {"sky": "blue"}}}]},
    ],
    "tools": [{"functionDeclarations": [{"name": "look", "parameters": SCHEMA}]}],
    "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
    "generationConfig": {
        "maxOutputTokens": 20,
        "stopSequences": ["x"],
        "candidateCount": 2,
        "responseMimeType": "application/json",
        "responseSchema": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}},
    },
}
EMBEDDINGS: dict[str, Any] = {
    "model": "e-1",
    "input": ["a", "b"],
    "encoding_format": "float",
    "dimensions": 4,
}
BATCH: dict[str, Any] = {
    "input_file_id": "file-1",
    "endpoint": "/v1/chat/completions",
    "completion_window": "24h",
    "metadata": {"a": "b"},
}
MESSAGE_BATCH: dict[str, Any] = {"requests": [{"custom_id": "a", "params": MESSAGES}]}
LINE: dict[str, Any] = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": CHAT}

OPENAI_KEY = (b"authorization", b"Bearer k")
KEYS: dict[str, tuple[tuple[bytes, bytes], ...]] = {
    "openai": (OPENAI_KEY,),
    "together": (OPENAI_KEY,),
    "locked": (OPENAI_KEY,),
    "anthropic": (OPENAI_KEY, (b"anthropic-version", b"2026-10-21")),
    "gemini": ((b"x-goog-api-key", b"k"),),
}
BOUNDARY = b"fence"
FORM = b"".join(
    [
        b'--fence\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n',
        b'--fence\r\nContent-Disposition: form-data; name="file"; filename="in.jsonl"\r\n',
        b"Content-Type: application/octet-stream\r\n\r\n",
        orjson.dumps(LINE),
        b"\r\n--fence--\r\n",
    ]
)


class Call(NamedTuple):
    """One valid request; `body`: a JSON value, None without a body, bytes for a form."""

    provider: str
    method: str
    path: str
    body: Any = None


_GEMINI = "/v1beta/models/m-1"
CALLS = (
    *(Call(name, "POST", "/v1/chat/completions", CHAT) for name in ("openai", "together", "locked")),
    *(Call(name, "POST", "/v1/embeddings", EMBEDDINGS) for name in ("openai", "together")),
    *(Call(name, "GET", "/v1/models") for name in ("openai", "together", "anthropic")),
    *(Call(name, "GET", "/v1/models/m-1") for name in ("openai", "together", "anthropic")),
    Call("openai", "POST", "/v1/responses", RESPONSE),
    Call("openai", "POST", "/v1/responses/input_tokens", {"model": "m-1", "input": RESPONSE["input"]}),
    Call("openai", "POST", "/v1/responses/compact", {"model": "m-1", "input": RESPONSE["input"]}),
    Call("openai", "GET", "/v1/responses/resp_1"),
    Call("openai", "DELETE", "/v1/responses/resp_1"),
    Call("openai", "POST", "/v1/responses/resp_1/cancel"),
    Call("openai", "GET", "/v1/responses/resp_1/input_items"),
    Call("openai", "POST", "/v1/files", FORM),
    Call("openai", "GET", "/v1/files"),
    Call("openai", "GET", "/v1/files/file-1"),
    Call("openai", "DELETE", "/v1/files/file-1"),
    Call("openai", "GET", "/v1/files/file-1/content"),
    Call("openai", "POST", "/v1/batches", BATCH),
    Call("openai", "GET", "/v1/batches"),
    Call("openai", "GET", "/v1/batches/batch_1"),
    Call("openai", "POST", "/v1/batches/batch_1/cancel"),
    Call("anthropic", "POST", "/v1/messages", MESSAGES),
    Call("anthropic", "POST", "/v1/messages/count_tokens", COUNTED),
    Call("anthropic", "POST", "/v1/messages/batches", MESSAGE_BATCH),
    Call("anthropic", "GET", "/v1/messages/batches"),
    Call("anthropic", "GET", "/v1/messages/batches/msgbatch_1"),
    Call("anthropic", "DELETE", "/v1/messages/batches/msgbatch_1"),
    Call("anthropic", "POST", "/v1/messages/batches/msgbatch_1/cancel"),
    Call("anthropic", "GET", "/v1/messages/batches/msgbatch_1/results"),
    Call("gemini", "POST", f"{_GEMINI}:generateContent", GEMINI),
    Call("gemini", "POST", f"{_GEMINI}:streamGenerateContent", GEMINI),
    Call("gemini", "POST", f"{_GEMINI}:countTokens", {"generateContentRequest": GEMINI}),
    Call("gemini", "GET", "/v1beta/models"),
    Call("gemini", "GET", _GEMINI),
)

PLAIN = {
    "openai": Call(
        "openai", "POST", "/v1/chat/completions", {"model": "m-1", "messages": CHAT["messages"][:2]}
    ),
    "anthropic": Call(
        "anthropic",
        "POST",
        "/v1/messages",
        {"model": "m-1", "max_tokens": 9, "messages": MESSAGES["messages"][:1]},
    ),
    "gemini": Call("gemini", "POST", f"{_GEMINI}:generateContent", {"contents": GEMINI["contents"][:1]}),
}
PLAIN["together"] = PLAIN["openai"]._replace(provider="together")
PLAIN["locked"] = PLAIN["openai"]._replace(provider="locked")


def name_of(call: Call) -> str:
    """A short name for a test's id."""
    return re.sub(r"\W+", "-", f"{call.provider} {call.method} {call.path}").strip("-")


def raw_body(body: Any) -> bytes:
    """The bytes of a body."""
    if body is None:
        return b""
    return body if isinstance(body, bytes) else orjson.dumps(body)


def as_sent(call: Call, key: bytes = b"") -> Sent:
    """The request as a valid client sends it; `key`: for the provider that lists its keys."""
    kind = (
        b"multipart/form-data; boundary=" + BOUNDARY if isinstance(call.body, bytes) else b"application/json"
    )
    auth = KEYS[call.provider] if not key else ((b"authorization", b"Bearer " + key),)
    query = b"alt=sse" if "stream" in call.path else b""
    return Sent(call.method, call.path, (*auth, (b"content-type", kind)), raw_body(call.body), query)
