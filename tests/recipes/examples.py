"""An example of each recipe in CONTRIBUTING.md: files to add, and lines to add to existing files."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Example:
    """`added` maps new files to their text; `edited` maps files to (a line, the text to put before it)."""

    added: dict[str, str]
    edited: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    @property
    def files(self) -> set[str]:
        """Every file that the recipe touches."""
        return {*self.added, *self.edited}

    def carry_out(self, root: Path) -> None:
        """Change the checkout at `root`."""
        for name, text in self.added.items():
            assert not (root / name).exists(), f"{name} is there already"
            (root / name).write_text(text)
        for name, edits in self.edited.items():
            text = (root / name).read_text()
            for line, before in edits:
                assert text.count(line) == 1, f"{name}: {line!r} stands there {text.count(line)} times"
                text = text.replace(line, before + line)
            (root / name).write_text(text)


LAYER = Example(
    {
        "harness/stack/resilience/pause.py": '''"""A pause before each call."""

import asyncio

from pydantic import Field

from ..core.call import Call, Next
from ..config.options import Options
from ..core.reply import Reply


class PauseOptions(Options):
    """`pause_s` 0.25: seconds before each call."""

    pause_s: float = Field(default=0.25, ge=0)


class Pause:
    """Waits, then passes the call on."""

    def __init__(self, options: PauseOptions) -> None:
        self._options = options

    async def __call__(self, call: Call, next: Next) -> Reply:
        await asyncio.sleep(self._options.pause_s)
        return await next(call)
''',
    },
    {
        "harness/stack/assembly/options.py": [
            ("class TargetOptions(Options):", "from ..resilience.pause import PauseOptions\n\n\n"),
            ("    throttle: LoadSheddingOptions | None = None\n", "    pause: PauseOptions | None = None\n"),
        ],
        "harness/stack/assembly/layers.py": [
            ("def build(\n", "from ..resilience.pause import Pause\n\n\n"),
            ("        Fallback(targets,", "        optional(options.pause, Pause),\n"),
        ],
    },
)

FAULT = Example(
    {
        "mock_providers/faults/sleepy.py": '''"""The first token comes `delay_s` later."""

from typing import ClassVar, Literal

from ..exchange.options import Seconds
from ..plan import Plan
from .base import FaultBase, Refusals


class Sleepy(FaultBase):
    """The first token comes `delay_s` (default 1.5) seconds later."""

    summary: ClassVar[str] = "the first token comes later"
    position: ClassVar[int] = 900

    kind: Literal["sleepy"] = "sleepy"
    delay_s: Seconds = 1.5

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        """The same reply, later."""
        return plan.late(self.delay_s, self.kind)
''',
    }
)

PROTOCOL = Example(
    {
        "mock_providers/wire/groq.py": '''"""An OpenAI-compatible protocol with a dialect of its own."""

from .openai.dialect import OpenAIDialect


class GroqDialect(OpenAIDialect):
    """The dialect of Groq: as OpenAI's."""
''',
        "mock_providers/profiles/groq.toml": """name = "groq"
title = "One model behind a new protocol"
error_latency_s = 0.0
reply_length = { mu = 4.0, sigma = 0.3 }

[providers.groq]
protocol = "groq"

[providers.groq.models.llama]
tier = "fast"
price = { input = "0.05", output = "0.08" }
ttft = { kind = "constant", value_s = 0.1 }
pace = { tokens_per_s = 500, chunk_tokens = [1, 4] }
accuracy = { easy = 0.9, medium = 0.7, hard = 0.4 }
context_window = 8_192
max_output_tokens = 2_048
""",
    },
    {
        "mock_providers/exchange/names.py": [('"gemini"]', '"groq", ')],
        "mock_providers/endpoints/protocols.py": [
            ("_OCTET_STREAM = b", "from ..wire.groq import GroqDialect\n\n"),
            (
                '    "together": WireProtocol(',
                '    "groq": WireProtocol(GroqDialect, _together_routes, "/openai/v1"),\n',
            ),
        ],
    },
)

METRIC = Example(
    {
        "reports/metrics/slowest.py": '''"""The slowest call."""

from .basis.facts import Facts
from .basis.registry import LATENCY, metric


@metric("slowest_s", group=LATENCY, label="Slowest call", unit="s", better="lower")
def slowest_s(facts: Facts) -> float | None:
    """The longest time from planned start to the end of an answered call."""
    took_s = (facts.calls["end_s"] - facts.calls["planned_s"])[facts.success]
    return float(took_s.max()) if len(took_s) else None
''',
    }
)

SCENARIO = Example(
    {
        "scenarios/sleepy.toml": """title = "A sleepy provider"
description = "Half of OpenAI's replies begin later."
duration_s = 5
seed = 7
subjects = ["naive", { name = "paused", base = "naive", pause = { pause_s = 0.5 } }]
arrivals = { kind = "poisson", rate_per_s = 4 }

[[faults]]
kind = "sleepy"
provider = "openai"
probability = 0.5
""",
    }
)
