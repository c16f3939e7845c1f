"""Gemini's server-sent events: text in chunks, each function call in one chunk, a last one with usage."""

from collections.abc import Iterator

import orjson

from ...plan import Piece, Plan
from ..dialect import Stamp
from .reply import FINISH_REASON, blocked_prompt, identity_of, is_blocked, part_of, usage_of


class GeminiFrames:
    """The frames of one reply; a function call is sent in one chunk, with its last piece."""

    __slots__ = ("_after", "_calls", "_choices", "_missing", "_only_text", "finish", "head", "tail")

    def __init__(self, plan: Plan, stamp: Stamp) -> None:
        self._choices = plan.choices
        self._calls: dict[tuple[int, int], str] = {}
        self._missing: dict[tuple[int, int], int] = {}
        self._only_text = all(block.kind == "text" for choice in plan.choices for block in choice.blocks)
        if not self._only_text:
            self._count_pieces(plan)
        about = orjson.dumps(identity_of(stamp))[1:]
        self._after = b'}],"role":"model"},"index":%d}],' + about.replace(b"%", b"%%") + b"\r\n\r\n"
        self.head = self.tail = b""
        ending = blocked_prompt() if is_blocked(plan) else {"candidates": list(_endings(plan))}
        last = {**ending, "usageMetadata": usage_of(plan), **identity_of(stamp)}
        self.finish = b"data: %s\r\n\r\n" % orjson.dumps(last)

    def piece(self, piece: Piece) -> bytes:
        """One chunk; b"" for all but the last piece of a function call."""
        kind = "text" if self._only_text else self._choices[piece.choice].blocks[piece.block].kind
        if kind == "tool":
            return self._call(piece)
        if kind == "reasoning":
            if not self._choices[piece.choice].blocks[piece.block].shown:
                return b""
            before = b'data: {"candidates":[{"content":{"parts":[{"thought":true,"text":'
            return b"%s%s%s" % (before, orjson.dumps(piece.text), self._after % piece.choice)
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
