"""The way of a call through the stack: from the gateway's request to the wire, room by room.

Layers stand in the order that their meaning demands, and no room is entered more than twice: the retry budget
counts calls above the router and fallback to hedge choose attempts below it; a budget reserves for the call,
the attempt ledger for the attempt; the prompt cache's hints are made for the call and held at each target;
breaker and load shedding refuse an attempt before it has a row, the limiter after. Each layer is entered
once on the way down and settles once on the way up.
"""

import sys
from collections import Counter
from itertools import groupby
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import harness.stack
from tests.lab.lab import Lab, play, target
from tests.lab.received import Received

STACK = Path(harness.stack.__file__).parent
STEPS = ("__call__", "request")
VOCABULARY = ("core", "config", "state")
"""Used on every floor: values, not stations."""

FULL: dict[str, Any] = {
    "prompt": {"trim": True},
    "cache": {},
    "semantic_cache": {"policy": "plain", "threshold": 0.99},
    "batch": {},
    "route": {"policy": "small"},
    "prompt_cache": {},
    "budget": [{"hard_usd": "10"}],
    "retry_budget": {},
    "retry": {},
    "hedge": {},
    "breaker": {},
    "throttle": {},
    "target": [
        target("openai", tier="small", limiter={"rpm": 600}),
        target("anthropic", tier="large"),
    ],
}

DOWN = [
    "gateway: app",
    "observe: telemetry",
    "money: budget",
    "prompt: layer",
    "caching: exact",
    "caching/semantic: layer",
    "batch: queue",
    "resilience: retry_budget",
    "routing: route",
    "prompt_cache: layer",
    "resilience: fallback, retry, hedge",
    "prompt_cache: layer",
    "admission: breaker, load_shedding",
    "upstream: resend",
    "money: attempt_ledger",
    "admission: limiter",
    "upstream: deadlines, send",
    "wire: openai",
]
"""Each station is a file with a layer (or the gateway, the send, the codec), outermost first."""


class Trail:
    """The layers, and the codec, in the order in which a call entered them first."""

    def __init__(self) -> None:
        self.entered: dict[CodeType, str] = {}

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_name in STEPS and code.co_filename.startswith(str(STACK)):
            path = Path(code.co_filename).relative_to(STACK)
            if path.parts[0] not in VOCABULARY:
                self.entered.setdefault(code, f"{path.parent.as_posix()}: {path.stem}")

    @property
    def stations(self) -> list[str]:
        """One entry for stations side by side in one room."""
        pairs = [station.split(": ") for station in self.entered.values()]
        return [
            f"{room}: {', '.join(file for _, file in group)}"
            for room, group in groupby(pairs, key=lambda pair: pair[0])
        ]


def test_a_call_passes_the_rooms_of_the_stack_in_the_order_of_its_layers() -> None:
    trail = Trail()

    async def scene(lab: Lab) -> None:
        sys.setprofile(trail)
        try:
            await lab.ask_gateway(Received())
        finally:
            sys.setprofile(None)

    play(scene, **FULL)
    assert trail.stations == DOWN
    rooms = Counter(station.split(": ")[0] for station in trail.stations)
    assert max(rooms.values()) <= 2
