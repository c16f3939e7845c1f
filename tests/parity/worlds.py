"""Run the same coroutine on loopback sockets and in virtual time, for comparison.

Everything except clock readings must be identical.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any, TypeVar

from harness.stack.upstream.endpoint import Endpoint
from harness.virtual import run_virtual
from harness.world.provider_keys import PROVIDER_KEY
from mock_providers import LedgerRow, MockApp, Profile, parse_faults
from tests.lab.providers import CHAIN_PROVIDERS, open_providers, profile_of

T = TypeVar("T")
Row = dict[str, Any]

PROVIDERS = CHAIN_PROVIDERS
"""The providers that the stacks here call."""
PROTOCOLS = (*PROVIDERS, "gemini")
"""Every protocol; Gemini's is spoken by the raw client only."""
API_KEY = PROVIDER_KEY
SETTLES_WITHIN_S = 10.0


def in_both(body: Callable[[], Coroutine[Any, Any, T]]) -> tuple[T, T]:
    """The results of `body` on real sockets and in virtual time."""
    return asyncio.run(body()), run_virtual(body())


def fast_profile(*, gap_s: float = 0.001, **of_every_model: Any) -> Profile:
    """A provider of each protocol that answers within milliseconds, with the stack's own prices.

    `gap_s` is the mean pause before a token; further arguments change every model.
    """
    return profile_of(
        {
            "ttft": {"kind": "constant", "value_s": 0.003},
            "pace": {
                "tokens_per_s": 1 / gap_s,
                "reply_sigma": 0.25,
                "chunk_sigma": 0.3,
                "chunk_tokens": [1, 4],
            },
            "context_window": 4000,
            "max_output_tokens": 1000,
            **of_every_model,
        },
        names=PROTOCOLS,
        providers={"openai": {"obfuscation": True}},
        error_latency_s=0.001,
    )


@asynccontextmanager
async def providers(
    profile: Profile, faults: list[dict[str, Any]] | None = None, *, seed: int = 3
) -> AsyncIterator[tuple[MockApp, dict[str, Endpoint]]]:
    """Every provider served on the running loop's network; t = 0 is now."""
    app = MockApp(profile, seed=seed, faults=parse_faults(faults or [], profile))
    async with open_providers(app) as endpoints:
        yield app, endpoints


async def eventually(true: Callable[[], object]) -> None:
    """Wait until the condition holds; TimeoutError after a while."""
    async with asyncio.timeout(SETTLES_WITHIN_S):
        while not true():  # noqa: ASYNC110  # any condition: there is no event to wait for
            await asyncio.sleep(0.002)


async def settled_rows(app: MockApp) -> list[Row]:
    """The ledger once every request has ended, by attempt, without actual times.

    Planned times stay, relative to when the request was received.
    """
    await eventually(lambda: not app.in_flight)
    rows = sorted(app.ledger.rows, key=lambda row: (row.attempt_id or "", row.request_id))
    return [_without_moments(row) for row in rows]


def _without_moments(row: LedgerRow) -> Row:
    values = asdict(row)
    received_s = values.pop("received_s")
    for planned in ("first_scheduled_s", "last_scheduled_s"):
        if values[planned] is not None:
            values[planned] = round(values[planned] - received_s, 6)
    for actual in ("first_sent_s", "last_sent_s"):
        values[actual] = "told" if values[actual] is not None else None
    return values


_MOMENTS_IN_TEXT = (
    (re.compile(r'("(?:created|completed)(?:_at)?":)\d+'), r"\1 <moment>"),
    (re.compile(r"(try again|retry) in [0-9.hms]+s"), r"\1 in <moment>"),
)
MOMENT_HEADERS = re.compile(
    r"deprecation|sunset|retry-after-ms|x-ratelimit-reset.*|x-tokenlimit-reset|anthropic-ratelimit-.*-reset"
)


def without_moments(text: str) -> str:
    """A body without its clock readings."""
    for pattern, instead in _MOMENTS_IN_TEXT:
        text = pattern.sub(instead, text)
    return text
