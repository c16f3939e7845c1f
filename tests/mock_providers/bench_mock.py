"""Throughput and chunk lateness of one mock provider process on loopback, run by hand.

python tests/mock_providers/bench_mock.py [--replies 6000] [--streams 100] [--against URL ...]

- unpaced: streamed replies of 50 chunks a second, 64 connections, no delay at all
- paced: chunk writes a second and how late they are (actual minus scheduled send time, from the ledger),
  `--streams` replies in flight of 100 chunks at 60 chunks a second each

`--against` runs the first part on any other OpenAI-shaped server too, in the same run: the base URL without
/v1. Its replies are as long as it likes; bytes are told beside.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from multiprocessing.queues import Queue
from typing import Any
from urllib.parse import urlsplit

from mock_providers import MockApp, Profile, make_profile, serve

CONNECTIONS = 64
END = b"0\r\n\r\n"


def profile(tokens_per_s: float, chunk_tokens: int) -> Profile:
    """One model without limits; each chunk holds `chunk_tokens` tokens."""
    model = {
        "tier": "fast",
        "price": {"input": "1", "output": "2"},
        "ttft": {"kind": "constant", "value_s": 0.0 if tokens_per_s == float("inf") else 0.2},
        "pace": {"tokens_per_s": tokens_per_s, "chunk_tokens": [chunk_tokens, chunk_tokens]},
        "accuracy": {"easy": 1.0, "medium": 1.0, "hard": 1.0},
        "context_window": 100_000,
        "max_output_tokens": 10_000,
    }
    providers = {"openai": {"protocol": "openai", "models": {"gpt-4o": model}}}
    return make_profile({"name": "bench", "title": "bench", "providers": providers})


class Reader(asyncio.Protocol):
    """Sends `replies` requests over one connection and reads each reply completely."""

    def __init__(self, request: bytes, replies: int, done: "asyncio.Future[int]") -> None:
        self._request, self._left, self._done, self._bytes = request, replies, done, 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._bytes += len(data)
        if data.endswith(END):
            self._left -= 1
            if self._left:
                self._transport.write(self._request)
            else:
                self._transport.close()
                self._done.set_result(self._bytes)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(error or ConnectionError("the server closed the connection"))


async def load(origin: str, tokens: int, replies: int, connections: int) -> tuple[float, int]:
    """(seconds, bytes) for `replies` streamed replies."""
    url = urlsplit(origin)
    messages = [{"role": "user", "content": f"{'x' * 400} in about {tokens} tokens"}]
    body = json.dumps({"model": "gpt-4o", "stream": True, "messages": messages}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: {url.netloc}\r\nauthorization: Bearer k\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    waiting = []
    share = replies // connections
    for _ in range(connections):
        done: asyncio.Future[int] = loop.create_future()
        await loop.create_connection(
            lambda done=done: Reader(head.encode() + body, share, done),  # type: ignore[misc]  # bound on purpose
            url.hostname or "127.0.0.1",
            url.port or 80,
        )
        waiting.append(done)
    sizes = await asyncio.gather(*waiting)
    return time.perf_counter() - started, sum(sizes)


def server(ready: "Queue[Any]", tokens_per_s: float, chunk_tokens: int) -> None:
    """A server process: reports its URLs, and at the end the lateness of first and last chunks."""

    async def run() -> None:
        stop = asyncio.Event()
        app = MockApp(profile(tokens_per_s, chunk_tokens))
        asyncio.get_running_loop().add_signal_handler(15, stop.set)
        await serve(app, on_ready=ready.put, stop=stop)
        late = [
            sent - planned
            for row in app.ledger.rows
            for sent, planned in (
                (row.first_sent_s, row.first_scheduled_s),
                (row.last_sent_s, row.last_scheduled_s),
            )
            if sent is not None and planned is not None
        ]
        ready.put((late, sum(os.times()[:2])))

    asyncio.run(run())


def measure(
    tokens_per_s: float, chunk_tokens: int, tokens: int, replies: int, connections: int
) -> dict[str, Any]:
    """One server process under one load."""
    context = multiprocessing.get_context("spawn")
    ready: Queue[Any] = context.Queue()
    process = context.Process(target=server, args=(ready, tokens_per_s, chunk_tokens), daemon=True)
    process.start()
    origin = ready.get(timeout=30)["openai"].removesuffix("/v1")
    wall_s, size = asyncio.run(load(origin, tokens, replies, connections))
    process.terminate()
    late, cpu_s = ready.get(timeout=30)
    process.join()
    return {"wall_s": wall_s, "bytes": size, "late": sorted(late), "cpu_s": cpu_s}


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--replies", type=int, default=6000)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--against", nargs="*", default=[], metavar="URL")
    options = parser.parse_args(argv)
    ours = measure(float("inf"), 2, 100, options.replies, CONNECTIONS)
    rate, size = options.replies / ours["wall_s"], ours["bytes"] / options.replies
    tell(f"unpaced: {rate:.0f} replies/s ({size:.0f} bytes each, server CPU {ours['cpu_s']:.1f} s)")
    for origin in options.against:
        wall_s, total = asyncio.run(load(origin, 100, options.replies, CONNECTIONS))
        tell(
            f"  {origin}: {options.replies / wall_s:.0f} replies/s ({total / options.replies:.0f} bytes each)"
        )
    paced = measure(120.0, 2, 200, options.streams * 5, options.streams)
    late_ms = [late * 1000 for late in paced["late"]]
    p50, p99 = late_ms[len(late_ms) // 2], late_ms[int(len(late_ms) * 0.99)]
    rate = options.streams * 5 * 100 / paced["wall_s"]
    tell(f"paced, {options.streams} streams: {rate:.0f} chunk writes/s")
    tell(f"  late by p50 {p50:.2f} ms, p99 {p99:.2f} ms")


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
