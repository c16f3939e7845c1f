"""The parts of a plan: what is said, how it ends, and how it deviates from the usual."""

from typing import Literal, NamedTuple

Ending = Literal["complete", "error", "in_band", "page", "reset", "hung", "stalled", "truncated"]
Malformation = Literal["json", "sse"]
Finish = Literal["stop", "length", "stop_sequence", "tool_use", "filtered", "refused", "error"]
Answer = Literal["right", "wrong", "hallucinated", "generated"]


class Block(NamedTuple):
    """One content block of a choice: text, a call of the tool `name` whose arguments are the text, or
    reasoning (in OpenAI's protocol in the field `name`). `shown`: whether its text is in the reply."""

    kind: Literal["text", "tool", "reasoning"] = "text"
    id: str = ""
    name: str = ""
    shown: bool = True


class Choice(NamedTuple):
    """One of the replies to a request: its finish reason and its content blocks."""

    finish: Finish = "stop"
    stop_sequence: str | None = None
    blocks: tuple[Block, ...] = (Block(),)


class Piece(NamedTuple):
    """One content chunk of a block; `opens` marks the first of its block.

    `choice` and `block` are indexes. A JSON reply has one piece per block.
    """

    due_s: float
    text: str
    tokens: int
    choice: int = 0
    block: int = 0
    opens: bool = False


class Quirk(NamedTuple):
    """A deviation from the usual bytes, by its name in the tables of `wire`; `at`: a position in chunks."""

    name: str
    at: int = 0


class Heartbeat(NamedTuple):
    """Signs of life every `gap_s` between headers and content: SSE comments, or blank lines before JSON."""

    gap_s: float
    comment: str


class KeepAlive(NamedTuple):
    """The connection's state after the reply.

    `how`: "idle": closed after `after_s` without a request; "close", "reset": cut at the next request.
    """

    how: Literal["idle", "close", "reset"]
    after_s: float = 0.0
