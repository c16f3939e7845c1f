"""Anthropic's Messages API; `anthropic_request` adapts a call to it."""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from ...core.call import Call
from ...core.errors import ProviderError
from ...core.reply import Event
from ..codec import StreamDecoder, WireRequest
from ..reading import SHAPE_ERRORS, http_error, load_json, shape_error
from ..refusal_rules import ANTHROPIC
from ..refusals import error_fields, kind_of
from .request import messages_body
from .stream import AnthropicStream, events_of, in_band

VERSION = "2026-10-21"


@dataclass(frozen=True, slots=True)
class AnthropicCodec:
    """`default_max_tokens` is sent when the caller set no limit, since the protocol requires one."""

    default_max_tokens: int = 4096

    def request(self, call: Call, api_key: str) -> WireRequest:
        headers = {"authorization": f"Bearer {api_key}", "anthropic-version": VERSION}
        return WireRequest(
            "/v1/messages", headers, orjson.dumps(messages_body(call, self.default_max_tokens))
        )

    def decoder(self) -> StreamDecoder:
        return AnthropicStream()

    def parse(self, body: bytes) -> list[Event]:
        reply = load_json(body, "the reply")
        if reply.get("type") == "error":
            raise in_band(reply)
        try:
            return events_of(reply)
        except SHAPE_ERRORS as error:
            raise shape_error("the reply", error) from error

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        error = error_fields(body)
        details = error.get("details")
        if isinstance(details, dict) and details.get("error_code"):
            error = {**error, "code": details["error_code"]}
        return http_error(kind_of(ANTHROPIC, status, error), status, headers, error)

    def reserved_tokens(self, input_tokens: int, max_tokens: int) -> int:
        return input_tokens
