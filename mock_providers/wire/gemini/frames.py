"""Gemini's server-sent events: text in chunks, each function call in one chunk, a last one with usage."""

from collections.abc import Iterator

import orjson

from ...plan import Piece, Plan
from ..dialect import Stamp
from .reply import FINISH_REASON, identity_of, part_of, usage_of


class GeminiFrames:
    """The frames of one reply; a function call is sent in one chunk, with its last piece."""

    __slots__ = ("_after", "_calls", "_choices", "_missing", "head", "tail")

    def __init__(self, plan: Plan, stamp: Stamp) -> None:
        self._choices = plan.choices
        self._calls: dict[tuple[int, int], str] = {}
        self._missing: dict[tuple[int, int], int] = {}
        if any(block.kind == "tool" for choice in plan.choices for block in choice.blocks):
            self._count_pieces(plan)
        about = orjson.dumps(identity_of(stamp))[1:]
        self._after = b'}],"role":"model"},"index":%d}],' + about.replace(b"%", b"%%") + b"\r\n\r\n"
        self.head = b""
        last = {"candidates": list(_endings(plan)), "usageMetadata": usage_of(plan), **identity_of(stamp)}
        self.tail = b"data: %s\r\n\r\n" % orjson.dumps(last)

    def piece(self, piece: Piece) -> bytes:
        """One chunk; b"" for all but the last piece of a function call."""
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
        part = part_of(self._choices[piece.choice].blocks[piece.block], self._calls.pop(key))
        before = b'data: {"candidates":[{"content":{"parts":[' + orjson.dumps(part)[:-1]
        return before + self._after % piece.choice


def _endings(plan: Plan) -> Iterator[dict[str, object]]:
    for nth, choice in enumerate(plan.choices):
        content = {"parts": [{"text": ""}], "role": "model"}
        yield {"content": content, "finishReason": FINISH_REASON[choice.finish], "index": nth}
