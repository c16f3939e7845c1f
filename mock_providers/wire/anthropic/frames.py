"""Anthropic's server-sent events: content blocks one after the other, each start, deltas and stop."""

import orjson

from ...plan import Block, Piece, Plan
from ..dialect import Stamp
from .reply import STOP_REASON, THINKING_SIGNATURE, empty_block, empty_message, input_usage

_PING = b'event: ping\ndata: {"type":"ping"}\n\n'
_DELTA_AFTER = b"}}\n\n"
_DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":%s'
_TEXT_DELTA = b'{"type":"text_delta","text":'
_ARGUMENTS_DELTA = b'{"type":"input_json_delta","partial_json":'
_THINKING_DELTA = b'{"type":"thinking_delta","thinking":'
_DELTA_OF = {"text": _TEXT_DELTA, "tool": _ARGUMENTS_DELTA, "reasoning": _THINKING_DELTA}
_SIGNATURE_DELTA = b'{"type":"signature_delta","signature":'
_STOP = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n'
_MESSAGE_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


class AnthropicFrames:
    """The frames of one reply; the bytes around the text of a delta are fixed within a block.

    A block without content gets no events, so an empty reply has no blocks.
    """

    __slots__ = ("_before", "_blocks", "_index", "_kind", "finish", "head", "tail")

    def __init__(self, plan: Plan, stamp: Stamp) -> None:
        [choice] = plan.choices
        self._blocks = choice.blocks
        self._index = -1
        self._before = b""
        self._kind = "text"
        start = orjson.dumps({"type": "message_start", "message": empty_message(plan, stamp, 1)})
        self.head = b"event: message_start\ndata: %s\n\n" % start
        delta = {"stop_reason": STOP_REASON[choice.finish], "stop_sequence": choice.stop_sequence}
        usage = {**input_usage(plan), "output_tokens": plan.output_tokens}
        ending = orjson.dumps({"type": "message_delta", "delta": delta, "usage": usage})
        filled = _blocks_with_content(plan)
        last_stop = self._last_signature(plan, filled - 1) + _STOP % (filled - 1) if filled else b""
        self.finish = b"%sevent: message_delta\ndata: %s\n\n" % (last_stop, ending)
        self.tail = _MESSAGE_STOP

    def piece(self, piece: Piece) -> bytes:
        """One delta, preceded by the events that open its block."""
        if piece.opens:
            opening = self._open(self._blocks[piece.block])
            if not self._blocks[piece.block].shown:
                return opening
            return b"%s%s%s%s" % (opening, self._before, orjson.dumps(piece.text), _DELTA_AFTER)
        if self._kind == "reasoning" and not self._blocks[piece.block].shown:
            return b""
        return b"%s%s%s" % (self._before, orjson.dumps(piece.text), _DELTA_AFTER)

    def _open(self, block: Block) -> bytes:
        """The events between the previous block and the first content of this one."""
        stop = self._signature() + _STOP % self._index if self._index >= 0 else b""
        ping = b"" if stop else _PING
        self._index += 1
        self._kind = block.kind
        self._before = _DELTA % (self._index, _DELTA_OF[block.kind])
        start = {"type": "content_block_start", "index": self._index, "content_block": empty_block(block)}
        event = b"%sevent: content_block_start\ndata: %s\n\n%s" % (stop, orjson.dumps(start), ping)
        # Tool arguments begin with an empty delta, as the provider's do.
        return event if block.kind != "tool" else b'%s%s""%s' % (event, self._before, _DELTA_AFTER)

    def _signature(self) -> bytes:
        """The last delta of a thinking block."""
        return _signature_of(self._index) if self._kind == "reasoning" else b""

    @staticmethod
    def _last_signature(plan: Plan, index: int) -> bytes:
        """The same where the reply ends with thinking."""
        last = plan.choices[0].blocks[plan.pieces[-1].block]
        return _signature_of(index) if last.kind == "reasoning" else b""


def _signature_of(index: int) -> bytes:
    delta = _DELTA % (index, _SIGNATURE_DELTA)
    return b"%s%s%s" % (delta, orjson.dumps(THINKING_SIGNATURE), _DELTA_AFTER)


def _blocks_with_content(plan: Plan) -> int:
    if len(plan.choices[0].blocks) > 1:
        return len({piece.block for piece in plan.pieces})
    return int(bool(plan.pieces))
