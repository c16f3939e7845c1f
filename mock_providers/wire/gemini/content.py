"""Gemini's generated content: request bytes to a Request, a Plan to a JSON reply or to server-sent events."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import orjson

from ...exchange.bad_field import BadField
from ...exchange.received import Received
from ...exchange.request import Refused, Request
from ...plan import Block, Piece, Plan
from ..dialect import Params, Stamp
from ..fields import arguments, loads
from .errors import GeminiErrors
from .prompt import read_counted, read_generate

_FINISH = {"stop": "STOP", "stop_sequence": "STOP", "tool_use": "STOP", "length": "MAX_TOKENS"}


class GeminiContent:
    """The codec of one method: generateContent, or (`streamed`) streamGenerateContent.

    A streamed reply is server-sent events when the query says `alt=sse`, else an array that arrives whole.
    """

    def __init__(self, errors: GeminiErrors, *, streamed: bool = False) -> None:
        self._errors = errors
        self._streamed = streamed

    def parse(self, received: Received, params: Params) -> Request:
        """Read a request for content; raises Refused."""
        request = self._checked(read_generate, received, params)
        if not self._streamed or received.query.get("alt") != "sse":
            return request
        return replace(request, stream=True)

    def parse_counted(self, received: Received, params: Params) -> Request:
        """Read a request to count the tokens of a prompt; raises Refused."""
        return self._checked(read_counted, received, params)

    def _checked(self, read: Callable[[object, str], Request], received: Received, params: Params) -> Request:
        try:
            return read(loads(received.body), params["model"])
        except BadField as bad:
            raise Refused(self._errors.bad_field(bad)) from None
        except (ValueError, orjson.JSONEncodeError):
            raise Refused(self._errors.bad_json()) from None

    def body(self, request: Request, plan: Plan, stamp: Stamp) -> bytes:
        """The JSON of a whole reply."""
        candidates = []
        for nth, choice in enumerate(plan.choices):
            texts = [(block, plan.text_of(nth, which)) for which, block in enumerate(choice.blocks)]
            parts = [_part(block, text) for block, text in texts if text]
            candidate = {"content": {"parts": parts, "role": "model"}, "finishReason": _FINISH[choice.finish]}
            candidates.append({**candidate, "index": nth})
        whole = {"candidates": candidates, "usageMetadata": _usage(plan), **_about(stamp)}
        return orjson.dumps([whole] if self._streamed else whole)

    def frames(self, request: Request, plan: Plan, stamp: Stamp) -> "GeminiFrames":
        """The server-sent events of a reply."""
        return GeminiFrames(plan, stamp)


class GeminiFrames:
    """Texts in chunks cut from one template; a function call in one chunk, when its last piece has come."""

    __slots__ = ("_after", "_calls", "_choices", "_missing", "head", "tail")

    def __init__(self, plan: Plan, stamp: Stamp) -> None:
        self._choices = plan.choices
        self._calls: dict[tuple[int, int], str] = {}
        self._missing: dict[tuple[int, int], int] = {}
        if any(block.kind == "tool" for choice in plan.choices for block in choice.blocks):
            self._count_pieces(plan)
        about = orjson.dumps(_about(stamp))[1:]
        self._after = b'}],"role":"model"},"index":%d}],' + about.replace(b"%", b"%%") + b"\r\n\r\n"
        self.head = b""
        last = {"candidates": list(_endings(plan)), "usageMetadata": _usage(plan), **_about(stamp)}
        self.tail = b"data: %s\r\n\r\n" % orjson.dumps(last)

    def piece(self, piece: Piece) -> bytes:
        """One chunk, nothing for a part of a function call that is not the last."""
        if self._missing and (piece.choice, piece.block) in self._missing:
            return self._call(piece)
        before = b'data: {"candidates":[{"content":{"parts":[{"text":'
        return b"%s%s%s" % (before, orjson.dumps(piece.text), self._after % piece.choice)

    def _count_pieces(self, plan: Plan) -> None:
        for piece in plan.pieces:
            if plan.choices[piece.choice].blocks[piece.block].kind == "tool":
                key = (piece.choice, piece.block)
                self._missing[key] = self._missing.get(key, 0) + 1

    def _call(self, piece: Piece) -> bytes:
        key = (piece.choice, piece.block)
        self._calls[key] = self._calls.get(key, "") + piece.text
        self._missing[key] -= 1
        if self._missing[key]:
            return b""
        part = _part(self._choices[piece.choice].blocks[piece.block], self._calls.pop(key))
        before = b'data: {"candidates":[{"content":{"parts":[' + orjson.dumps(part)[:-1]
        return before + self._after % piece.choice


def counted_body(input_tokens: int) -> bytes:
    """The reply to a request to count."""
    details = [{"modality": "TEXT", "tokenCount": input_tokens}]
    return orjson.dumps({"totalTokens": input_tokens, "promptTokensDetails": details})


def _part(block: Block, text: str) -> dict[str, object]:
    if block.kind == "text":
        return {"text": text}
    return {"functionCall": {"name": block.name, "args": arguments(text)}}


def _endings(plan: Plan) -> Iterator[dict[str, object]]:
    for nth, choice in enumerate(plan.choices):
        content = {"parts": [{"text": ""}], "role": "model"}
        yield {"content": content, "finishReason": _FINISH[choice.finish], "index": nth}


def _usage(plan: Plan) -> dict[str, object]:
    """Tokens read from the cache are part of the prompt's."""
    usage: dict[str, object] = {
        "promptTokenCount": plan.input_tokens,
        "candidatesTokenCount": plan.output_tokens,
        "totalTokenCount": plan.input_tokens + plan.output_tokens,
    }
    if plan.cached_input_tokens:
        usage["cachedContentTokenCount"] = plan.cached_input_tokens
    usage["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": plan.input_tokens}]
    return usage


def _about(stamp: Stamp) -> dict[str, object]:
    return {"modelVersion": stamp.model, "responseId": stamp.request_id.removeprefix("req_")}
