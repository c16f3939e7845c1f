"""OpenAI's Chat Completions API, also used by Together."""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from ...core.call import Call
from ...core.errors import ProviderError
from ...core.reply import Event
from ..codec import StreamDecoder, WireRequest
from ..reading import http_error, load_json, shaped
from ..refusals import error_fields, kind_of
from .request import chat_body
from .stream import RULES, OpenAIStream, events_of, in_band, is_error


@dataclass(frozen=True, slots=True)
class OpenAICodec:
    """Messages, tools and JSON mode need no adaptation: the stack's own format is OpenAI's."""

    def request(self, call: Call, api_key: str) -> WireRequest:
        body = orjson.dumps(chat_body(call))
        return WireRequest("/chat/completions", {"authorization": f"Bearer {api_key}"}, body)

    def decoder(self) -> StreamDecoder:
        return OpenAIStream()

    def parse(self, body: bytes) -> list[Event]:
        reply = load_json(body, "the reply")
        if is_error(reply):
            raise in_band(reply)
        return shaped("the reply", events_of, reply)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        error = error_fields(body)
        return http_error(kind_of(RULES, status, error), status, headers, error)

    def reserved_tokens(self, input_tokens: int, max_tokens: int) -> int:
        return max(input_tokens, max_tokens)
