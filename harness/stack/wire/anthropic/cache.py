"""Breakpoints of Anthropic's prompt cache: `cache_control` on the block that ends each marked prefix.

A marked text becomes a text block, with the same token count. A prefilled beginning of the reply is not
marked: it is not a turn of the conversation. If more than twenty blocks lie between the last two user turns,
the earlier one is marked too, if a breakpoint is left: a breakpoint does not look back further.
"""

from collections.abc import Sequence
from typing import Any

from ...core.cache_hints import CacheTtl, Mark
from ...prompt_cache.breakpoints import LOOK_BACK_BLOCKS, MOST_MARKS

Body = dict[str, Any]


def mark(body: Body, marks: Sequence[Mark]) -> Body:
    """The body with these marks, without those whose prefix it lacks."""
    for end, ttl in marks:
        if end == "tools" and body.get("tools"):
            body["tools"] = [*body["tools"][:-1], body["tools"][-1] | _control(ttl)]
        elif end == "system" and "system" in body:
            body["system"] = _marked(body["system"], ttl)
        elif end == "last":
            _mark_turns(body["messages"], ttl, MOST_MARKS - len(marks))
    return body


def _mark_turns(turns: list[Body], ttl: CacheTtl, left: int) -> None:
    """Mark the last user turn, and the one before it if it is beyond the look-back of the last."""
    of_user = [nth for nth, turn in enumerate(turns) if turn["role"] == "user"]
    *_, last = of_user
    turns[last] = turns[last] | {"content": _marked(turns[last]["content"], ttl)}
    if left and len(of_user) > 1:
        earlier = of_user[-2]
        if sum(map(_blocks, turns[earlier + 1 : last + 1])) >= LOOK_BACK_BLOCKS:
            turns[earlier] = turns[earlier] | {"content": _marked(turns[earlier]["content"], ttl)}


def _blocks(turn: Body) -> int:
    return len(turn["content"]) if isinstance(turn["content"], list) else 1


def _marked(content: str | list[Body], ttl: CacheTtl) -> list[Body]:
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [*blocks[:-1], blocks[-1] | _control(ttl)]


def _control(ttl: CacheTtl) -> Body:
    """Five minutes is the protocol's default."""
    return {"cache_control": {"type": "ephemeral"} | ({"ttl": ttl} if ttl == "1h" else {})}
