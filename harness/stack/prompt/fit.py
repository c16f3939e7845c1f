"""Context-window fit: the oldest rounds of a conversation go, until the rest has room.

Never dropped are the system prompt, the last message of the user, and the latest step since (what a tool has
just said). First go the oldest rounds, then, of a long row of tool calls, the oldest steps.

They go by the stride: enough of them to make room for a quarter of the window at once. So what is left begins
with the same words for many turns, and the provider's prompt cache can read it; one round less at every turn
would move everything, and nothing would ever be read.
"""

from collections.abc import Callable, Sequence

from ..core.request import Message
from .turns import Conversation, Messages, without

STRIDES = 4


def fitted(messages: Sequence[Message], room: int, tokens_of: Callable[[Messages], int]) -> Messages:
    """The messages that fit into `room` tokens, if that can be; `tokens_of` counts a row of messages."""
    whole = tuple(messages)
    needed = tokens_of(whole) - room
    if needed <= 0:
        return whole
    talk = Conversation.of(whole)
    stride = max(1, room // STRIDES)
    wanted = -(-needed // stride) * stride
    nothing = tokens_of(())
    dropped: list[Messages] = []
    freed = 0
    for piece in talk.rounds:
        if freed >= wanted:
            break
        dropped.append(piece)
        freed += tokens_of(piece) - nothing
    for piece in talk.steps[:-1]:
        if freed >= needed:
            break
        dropped.append(piece)
        freed += tokens_of(piece) - nothing
    return without(whole, dropped)
