"""CPU of a call through the full stack beside the bare OpenAI SDK, in one run, by hand.

python tests/stack/bench_cpu.py [--calls 400] [--rounds 5]

One mock provider in its own process answers at once with 50 chunks, or with one JSON body. Each round plays
`--calls` streamed and whole calls through every layer of `scenarios/stacks/full.toml`, and as many through
`openai.AsyncOpenAI`, eight at a time; every prompt is asked once, so no cache answers. Printed are the median
over the rounds of this process's CPU a call, and the median of the rounds' ratios.
"""

import argparse
import asyncio
import multiprocessing
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI

import scenarios
from harness.stack import Endpoint, Message, build, load_stack_options
from tests.mock_providers.bench_mock import server

AT_ONCE = 8
CHUNK_TOKENS = 2
TOKENS = 100
FULL = Path(scenarios.__file__).parent / "stacks" / "full.toml"

Ask = Callable[[str, bool], Awaitable[int]]
"""Asks a prompt, streamed or not; returns the number of pieces of its answer."""


def prompt_of(name: str) -> str:
    """A prompt of its own whose answer has `TOKENS` tokens."""
    return f"{name} {'x' * 400} in about {TOKENS} tokens"


async def cpu_ms(ask: Ask, name: str, calls: int, *, stream: bool) -> float:
    """Milliseconds of this process's CPU a call."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(n: int) -> None:
        async with turns:
            pieces = await ask(prompt_of(f"{name}/{n}"), stream)
            assert pieces == (TOKENS // CHUNK_TOKENS if stream else 1), pieces

    before_s = time.process_time()
    await asyncio.gather(*(one(n) for n in range(calls)))
    return (time.process_time() - before_s) * 1000 / calls


async def rounds(url: str, calls: int, count: int) -> None:
    """Play all rounds and print the medians."""
    endpoints = dict.fromkeys(("openai", "anthropic", "together"), Endpoint(url, "k"))
    stack = build(load_stack_options(FULL), endpoints)
    sdk = AsyncOpenAI(base_url=url, api_key="k", max_retries=0)

    async def by_stack(prompt: str, stream: bool) -> int:
        now = asyncio.get_running_loop().time()
        call = stack.call(stack.next_id(), (Message("user", prompt),), now, model="gpt-4o", stream=stream)
        async with await stack.ask(call) as reply:
            return sum([1 async for _ in reply]) - 1  # less the finish

    async def by_sdk(prompt: str, stream: bool) -> int:
        messages: Any = [{"role": "user", "content": prompt}]
        if not stream:
            whole = await sdk.chat.completions.create(model="gpt-4o", messages=messages)
            return len(whole.choices)
        chunks = await sdk.chat.completions.create(model="gpt-4o", messages=messages, stream=True)
        return sum([1 async for chunk in chunks if chunk.choices and chunk.choices[0].delta.content])

    for stream in (True, False):
        found: dict[str, list[float]] = {"stack": [], "sdk": []}
        for nth in range(-1, count):  # the first round warms up
            for name, ask in (("stack", by_stack), ("sdk", by_sdk)):
                ms = await cpu_ms(ask, f"{name}/{stream}/{nth}", calls, stream=stream)
                if nth >= 0:
                    found[name].append(ms)
        ratio = statistics.median(a / b for a, b in zip(found["stack"], found["sdk"], strict=True))
        ours, theirs = (statistics.median(found[name]) for name in ("stack", "sdk"))
        kind = "streamed" if stream else "JSON"
        tell(f"{kind}: full stack {ours:.2f} ms, OpenAI SDK {theirs:.2f} ms, ratio {ratio:.3f}")
    await sdk.close()
    await stack.aclose()


def main() -> None:
    """Start the provider, play the rounds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    ready: Any = context.Queue()
    process = context.Process(target=server, args=(ready, float("inf"), CHUNK_TOKENS), daemon=True)
    process.start()
    url = ready.get(timeout=30)["openai"]
    try:
        asyncio.run(rounds(url, options.calls, options.rounds))
    finally:
        process.terminate()
        process.join()


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
