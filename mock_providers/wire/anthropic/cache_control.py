"""Anthropic's `cache_control`: prompt cache breakpoints read, checked and removed."""

from collections.abc import Sequence
from typing import Any, cast

from ...exchange.bad_field import BadField
from ...exchange.request import CacheTtl, Message
from ...prompt_cache.prefix import breakpoints
from ..fields import Fields

_MOST_BREAKPOINTS = 4


def read_cache_control(holder: Fields) -> CacheTtl | None:
    """The TTL of a block's breakpoint, None without one; raises BadField."""
    if not holder.present("cache_control"):
        return None
    control = holder.inner("cache_control")
    control.choice("type", ("ephemeral",))
    if not control.present("ttl"):
        return "5m"
    return cast("CacheTtl", control.choice("ttl", ("5m", "1h")))


def check_breakpoints(messages: Sequence[Message]) -> None:
    """Check number and order of the breakpoints; raises BadField."""
    ttls = breakpoints(messages)
    if len(ttls) > _MOST_BREAKPOINTS:
        raise BadField(
            (),
            "unsupported",
            f"A maximum of {_MOST_BREAKPOINTS} blocks with cache_control may be provided. Found {len(ttls)}.",
        )
    if "5m" in ttls and "1h" in ttls[ttls.index("5m") :]:
        raise BadField(
            ("cache_control", "ttl"),
            "unsupported",
            "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. Note that "
            "blocks are processed in the following order: `tools`, `system`, `messages`.",
        )


def without_cache_control(body: Any) -> Any:
    """A valid body without breakpoints, which do not change the reply; a lone text block becomes a string."""
    plain = {key: value for key, value in body.items() if key != "cache_control"}
    if plain.get("tools"):
        plain["tools"] = [_without_breakpoint(tool) for tool in plain["tools"]]
    if plain.get("system"):
        plain["system"] = _plain(plain["system"])
    plain["messages"] = [turn | {"content": _plain(turn["content"])} for turn in plain["messages"]]
    return plain


def _plain(content: Any) -> Any:
    if isinstance(content, str):
        return content
    blocks = [_without_breakpoint(block) for block in content]
    is_text = len(blocks) == 1 and blocks[0].keys() == {"type", "text"}
    return blocks[0]["text"] if is_text else blocks


def _without_breakpoint(block: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in block.items() if key != "cache_control"}
