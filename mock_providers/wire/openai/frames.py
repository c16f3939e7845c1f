"""OpenAI's server-sent events: for each choice its role, content deltas and finish; then `[DONE]`."""

import orjson

from ...exchange.request import Request
from ...plan import Choice, Piece, Plan
from ..dialect import Frames, Stamp
from .reply import (
    FINISH_REASON,
    REFUSAL,
    completion_id,
    fingerprint,
    has_text,
    service_tier,
    tool_call,
    usage_of,
)

_DONE = b"data: [DONE]\n\n"
_HIDDEN = (b"", b"", b"")
"""The template of reasoning that is not shown."""
_PADDING = tuple(("q7Xw2LmZ9sKd4TbV"[:n]).encode() for n in range(16))


def padding_of(content: bytes) -> bytes:
    """The padding that makes encoded content a multiple of 16 bytes."""
    return _PADDING[-len(content) % 16]


def frames_of(request: Request, plan: Plan, stamp: Stamp) -> Frames:
    """The frames of a reply; a single choice of only text, the usual case, takes a faster path."""
    [first, *others] = plan.choices
    if others or any(block.kind != "text" for block in first.blocks):
        return ChoicesFrames(request, plan, stamp)
    return TextFrames(request, plan, stamp)


class _Envelope:
    """The bytes that all chunks of one reply share."""

    def __init__(self, request: Request, plan: Plan, stamp: Stamp) -> None:
        self.opening = (
            b'data: {"id":"%s","object":"chat.completion.chunk","created":%d,"model":%s,'
            b'"service_tier":%s,"system_fingerprint":"%s",'
            % (
                completion_id(stamp).encode(),
                stamp.wall_s,
                orjson.dumps(stamp.model),
                orjson.dumps(service_tier(plan)),
                fingerprint(stamp.model).encode(),
            )
        )
        self.with_usage = request.include_usage
        self._null_usage = b',"usage":null' if request.include_usage else b""
        self.after = b'},"logprobs":null,"finish_reason":null}]' + self._null_usage

    def delta(self, nth: int) -> bytes:
        """The beginning of a chunk of choice `nth`, up to its delta."""
        return self.opening + b'"choices":[{"index":%d,"delta":' % nth

    def role(self, nth: int, choice: Choice) -> bytes:
        """The first chunk of a choice; its content is null when the choice only calls tools."""
        content = b'""' if has_text(choice) else b"null"
        beginning = b'{"role":"assistant","content":' + content + b',"refusal":null'
        return self.delta(nth) + beginning + self.after + b"}\n\n"

    def finish(self, plan: Plan) -> bytes:
        """Each choice's refusal, if it is one, and its finish."""
        finish = b""
        for nth, choice in enumerate(plan.choices):
            reason = FINISH_REASON[choice.finish].encode()
            if choice.finish == "refused":
                finish += b"".join(self._refusal(nth, part) for part in REFUSAL)
            last = b'{},"logprobs":null,"finish_reason":"%s"}]%s}\n\n' % (reason, self._null_usage)
            finish += self.delta(nth) + last
        return finish

    def _refusal(self, nth: int, part: str) -> bytes:
        return self.delta(nth) + b'{"refusal":' + orjson.dumps(part) + self.after + b"}\n\n"

    def tail(self, plan: Plan) -> bytes:
        """The usage if requested, and `[DONE]`."""
        if not self.with_usage:
            return _DONE
        return self.opening + b'"choices":[],"usage":' + orjson.dumps(usage_of(plan)) + b"}\n\n" + _DONE


class TextFrames:
    """Chunks of one text: only the text between two fixed byte strings changes."""

    __slots__ = ("_after", "_before", "_obfuscate", "finish", "head", "tail")

    def __init__(self, request: Request, plan: Plan, stamp: Stamp) -> None:
        envelope = _Envelope(request, plan, stamp)
        self._obfuscate = request.obfuscate
        self._before = envelope.delta(0) + b'{"content":'
        self._after = envelope.after
        self.head = envelope.role(0, plan.choices[0])
        self.finish = envelope.finish(plan)
        self.tail = envelope.tail(plan)

    def piece(self, piece: Piece) -> bytes:
        """One content chunk; obfuscation pads it to a multiple of 16 bytes of text, as OpenAI does."""
        content = orjson.dumps(piece.text)
        if self._obfuscate:
            padding = padding_of(content)
            return b'%s%s%s,"obfuscation":"%s"}\n\n' % (self._before, content, self._after, padding)
        return b"%s%s%s}\n\n" % (self._before, content, self._after)


class ChoicesFrames:
    """Several choices, or tool calls: each block of each choice has its own template.

    A tool call begins with a chunk that has its name and empty arguments; later chunks carry only arguments.
    """

    __slots__ = ("_blocks", "_obfuscate", "finish", "head", "tail")

    def __init__(self, request: Request, plan: Plan, stamp: Stamp) -> None:
        envelope = _Envelope(request, plan, stamp)
        self._obfuscate = request.obfuscate
        self._blocks = {
            (nth, which): template
            for nth, choice in enumerate(plan.choices)
            for which, template in enumerate(_templates(envelope, nth, choice))
        }
        self.head = b"".join(envelope.role(nth, choice) for nth, choice in enumerate(plan.choices))
        self.finish = envelope.finish(plan)
        self.tail = envelope.tail(plan)

    def piece(self, piece: Piece) -> bytes:
        """One content chunk, after the naming chunk when it opens a tool call; b"" for hidden reasoning."""
        opening, before, after = self._blocks[piece.choice, piece.block]
        if not before:
            return b""
        content = orjson.dumps(piece.text)
        padding = b""
        if self._obfuscate:
            padding = b',"obfuscation":"%s"' % padding_of(content)
        return b"%s%s%s%s%s}\n\n" % (opening if piece.opens else b"", before, content, after, padding)


def _templates(envelope: _Envelope, nth: int, choice: Choice) -> list[tuple[bytes, bytes, bytes]]:
    """For each block: the bytes before its first chunk, and those around the text of every chunk."""
    templates, calls = [], 0
    delta = envelope.delta(nth)
    for block in choice.blocks:
        if block.kind == "text":
            templates.append((b"", delta + b'{"content":', envelope.after))
        elif block.kind == "reasoning" and not block.shown:
            templates.append(_HIDDEN)
        elif block.kind == "reasoning":
            templates.append((b"", delta + b'{"%s":' % block.name.encode(), envelope.after))
        else:
            call = orjson.dumps({"index": calls, **tool_call(block, "")})
            opening = delta + b'{"tool_calls":[' + call + b"]" + envelope.after + b"}\n\n"
            before = delta + b'{"tool_calls":[{"index":%d,"function":{"arguments":' % calls
            templates.append((opening, before, b"}}]" + envelope.after))
            calls += 1
    return templates
