"""Context-window fit: drop the oldest rounds of a conversation until the rest fits.

The system prompt, the last user message, and the latest step (with its tool results) are never dropped. The
oldest rounds are dropped first; then, of a long series of tool calls, the oldest steps.

Rounds are dropped in strides of a quarter of the window. The remaining prefix then stays the same for many
turns, and the provider's prompt cache can read it; dropping one round per turn would change the prefix each
time and never hit the cache.
"""

from collections.abc import Callable, Sequence

from ..core.request import Message
from .turns import Conversation, Messages, without

STRIDES = 4


def fitted(messages: Sequence[Message], room: int, tokens_of: Callable[[Messages], int]) -> Messages:
    """The messages that fit into `room` tokens, if possible; `tokens_of` counts the tokens of messages."""
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
