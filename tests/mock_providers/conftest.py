"""A profile whose replies take milliseconds, and mock providers on real sockets in the test's own loop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from mock_providers import Catalogue, MockApp, Profile, Question, make_profile, serve

MODEL: dict[str, Any] = {
    "tier": "balanced",
    "price": {"input": "2.50", "output": "10"},
    "ttft": {"kind": "constant", "value_s": 0.002},
    "pace": {"tokens_per_s": 5000.0, "reply_sigma": 0.25, "chunk_sigma": 0.3, "chunk_tokens": [1, 4]},
    "accuracy": {"easy": 1.0, "medium": 0.5, "hard": 0.0},
    "context_window": 2000,
    "max_output_tokens": 1000,
}


@pytest.fixture
def fast_profile() -> Callable[..., Profile]:
    """Profiles of the three providers with one model each; keyword arguments change every model."""

    def make(**changes: Any) -> Profile:
        model = {**MODEL, **changes}
        return make_profile(
            {
                "name": "fast",
                "title": "millisecond replies",
                "error_latency_s": 0.001,
                "providers": {
                    "openai": {
                        "protocol": "openai",
                        "obfuscation": True,
                        "models": {"gpt-4o": {**model, "aliases": ["gpt-4o-2024-08-06"]}},
                    },
                    "anthropic": {
                        "protocol": "anthropic",
                        "models": {"claude-sonnet-4-5": {**model, "aliases": ["claude-sonnet"]}},
                    },
                    "together": {"protocol": "together", "models": {"llama-3-70b": model}},
                },
            }
        )

    return make


@pytest.fixture
def catalogue() -> Catalogue:
    """One question of each difficulty."""
    return Catalogue(
        Question.model_validate(
            {
                "id": f"q-{difficulty}",
                "question": f"What is the {difficulty} number?",
                "answer": right,
                "wrong": ("11", "12", "13"),
                "difficulty": difficulty,
            }
        )
        for difficulty, right in (("easy", "1"), ("medium", "2"), ("hard", "3"))
    )


@pytest.fixture
async def serve_mock(
    fast_profile: Callable[..., Profile], caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Callable[..., Awaitable[tuple[MockApp, dict[str, str]]]]]:
    """Start mock providers on free ports; arguments are those of MockApp. They stop when the test ends."""
    running: list[tuple[asyncio.Event, asyncio.Task[None]]] = []

    async def start(profile: Profile | None = None, **options: Any) -> tuple[MockApp, dict[str, str]]:
        app = MockApp(profile or fast_profile(), **options)
        stop = asyncio.Event()
        urls: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(serve(app, on_ready=urls.set_result, stop=stop))
        running.append((stop, task))
        return app, await urls

    yield start
    for stop, task in running:
        stop.set()
        await task
    # uvicorn logs what an ASGI app should not do: fail, or return without a whole response.
    assert [record.getMessage() for record in caplog.get_records("call")] == []


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Wait until a condition holds; fails after 10 s."""

    async def wait(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - any condition: there is no event to wait for
                await asyncio.sleep(0.005)

    return wait
