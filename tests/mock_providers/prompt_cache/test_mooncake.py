"""Automatic caching on the prefixes of 12,031 real calls, against an oracle that knows blocks only.

The trace gives each prompt as ids of its blocks of 512 tokens, an id standing for the block and everything
before it. Here every block, the last one too, is 512 tokens of text of its own (2,048 characters): the whole
trace at its real size, 148 million tokens, through the real thresholds.

Trace: kvcache-ai/Mooncake, conversation trace (FAST 2025), Apache-2.0.
"""

import json
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from mock_providers.exchange.request import Message
from mock_providers.prompt_cache.cache import Automatic, AutomaticCache
from tests.paths import DATA

TRACE = DATA / "mooncake_conversation_trace.jsonl"
BLOCK_TOKENS = 512
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"

pytestmark = pytest.mark.skipif(not TRACE.exists(), reason="the Mooncake conversation trace is not at hand")


class Call(NamedTuple):
    now: float
    blocks: list[int]


def calls() -> Iterator[Call]:
    with TRACE.open(encoding="utf-8") as lines:
        for line in lines:
            call = json.loads(line)
            yield Call(call["timestamp"] / 1000, call["hash_ids"])


def text_of(block: int) -> str:
    """512 tokens; two blocks differ from their first token on."""
    word = ""
    for _ in range(4):
        block, digit = divmod(block, len(DIGITS))
        word += DIGITS[digit]
    return word * BLOCK_TOKENS


class Oracle:
    """Block prefixes as nodes of a tree, each with when it first served and when it was last used."""

    def __init__(self, options: Automatic) -> None:
        self.least = options.min_tokens // BLOCK_TOKENS
        self.idle_s, self.max_age_s = options.idle_s, options.max_age_s
        self.nodes: dict[tuple[int, int], int] = {}
        self.first: list[float] = [0.0]
        self.last: list[float] = [0.0]

    def serves(self, node: int, now: float) -> bool:
        return self.first[node] <= now and not self.expired(node, now)

    def expired(self, node: int, now: float) -> bool:
        return now >= self.last[node] + self.idle_s or now >= self.first[node] + self.max_age_s

    def ask(self, blocks: list[int], now: float, ready: float) -> int:
        """Tokens that can be read: whole blocks, as a step ends just before the end of each."""
        path, node = [], 0
        for block in blocks:
            new = len(self.first)
            node = self.nodes.setdefault((node, block), new)
            if node == new:
                self.first.append(-math.inf)
                self.last.append(-math.inf)
            path.append(node)
        held = self.least - 1
        while held < len(path) and self.serves(path[held], now):
            held += 1
        for node in path:
            if self.expired(node, now):
                self.first[node] = self.last[node] = ready
            elif self.first[node] <= now:
                self.last[node] = max(self.last[node], now)
            else:
                self.first[node] = min(self.first[node], ready)
                self.last[node] = max(self.last[node], ready)
        return held * BLOCK_TOKENS if held >= self.least else 0


WORLDS = {
    "from one block on, for ever": (
        Automatic(min_tokens=512, step_tokens=512, idle_s=1e9, max_age_s=1e9),
        0.0,
    ),
    "from 1,024 tokens on, for ever": (Automatic(step_tokens=512, idle_s=1e9, max_age_s=1e9), 0.0),
    "as OpenAI does it": (Automatic(), 1.0),
}


@pytest.mark.parametrize(
    ("world", "reuse"),
    [
        ("from one block on, for ever", 0.366),
        ("from 1,024 tokens on, for ever", 0.341),
        ("as OpenAI does it", 0.259),
    ],
)
def test_hits_equal_the_oracles_for_every_call_of_the_trace(
    world: str, reuse: float, record_property: Callable[[str, object], None]
) -> None:
    options, to_reply_s = WORLDS[world]
    cache, oracle = AutomaticCache(options), Oracle(options)
    read = asked = most = 0
    for call in calls():
        prompt = (Message.of("user", "".join(map(text_of, call.blocks))),)
        use = cache.look_up(prompt, call.now)
        assert use.read_tokens == oracle.ask(call.blocks, call.now, call.now + to_reply_s)
        cache.commit(use, call.now + to_reply_s)
        read += use.read_tokens
        asked += len(call.blocks) * BLOCK_TOKENS
        most = max(most, len(cache))
    record_property("reuse", read / asked)
    record_property("most_entries", most)
    assert read / asked == pytest.approx(reuse, abs=0.0005), f"at most {most} entries"
