"""Measure the throughput of the virtual loop: streamed replies through uvicorn and a client. Run by hand.

python tests/virtual/bench_virtual.py [--calls 2000] [--chunks 52] [--in-flight 64] [--client httpx-aiohttp]

Prints calls and chunks per CPU second (wall time would include other programs) and peak memory. `--real` runs
the same on loopback sockets, for comparison.
"""

import argparse
import asyncio
import resource
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from harness.virtual import run_virtual
from mock_providers import build_server

FIRST_S = 0.3
PACE_S = 0.02
CHUNK = b'data: {"choices":[{"delta":{"content":"four words of text"},"index":0}]}\n\n'

Stream = Callable[[str], AsyncIterator[bytes]]


def over_httpx(client: httpx.AsyncClient) -> Stream:
    async def stream(url: str) -> AsyncIterator[bytes]:
        async with client.stream("POST", url, content=b'{"stream":true}') as response:
            async for data in response.aiter_raw():
                yield data

    return stream


def over_aiohttp(session: aiohttp.ClientSession) -> Stream:
    async def stream(url: str) -> AsyncIterator[bytes]:
        async with session.post(url, data=b'{"stream":true}') as response:
            async for data in response.content.iter_any():
                yield data

    return stream


async def make_client(name: str, stack: AsyncExitStack) -> Stream:
    if name == "aiohttp":
        connector = aiohttp.TCPConnector(limit=0)
        return over_aiohttp(await stack.enter_async_context(aiohttp.ClientSession(connector=connector)))
    transport = httpx.AsyncHTTPTransport() if name == "httpx" else AiohttpTransport()
    return over_httpx(await stack.enter_async_context(httpx.AsyncClient(transport=transport, timeout=60)))


async def call(stream: Stream, url: str, start_s: float) -> int:
    await asyncio.sleep(start_s)
    return sum([len(data) async for data in stream(url)])


async def main(options: argparse.Namespace) -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(FIRST_S)
        for _ in range(options.chunks):
            await asyncio.sleep(PACE_S)
            await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    server = build_server(app)
    await server.startup()
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v1"
    gap_s = (FIRST_S + PACE_S * options.chunks) / options.in_flight
    async with AsyncExitStack() as stack:
        stream = await make_client(options.client, stack)
        sizes = await asyncio.gather(*(call(stream, url, n * gap_s) for n in range(options.calls)))
    for listening in server.servers:
        listening.close()
    assert sizes == [options.chunks * len(CHUNK)] * options.calls


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--chunks", type=int, default=52)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--client", choices=["httpx-aiohttp", "aiohttp", "httpx"], default="httpx-aiohttp")
    parser.add_argument("--real", action="store_true")
    options = parser.parse_args()
    began_s = time.process_time()
    (asyncio.run if options.real else run_virtual)(main(options))
    spent_s = time.process_time() - began_s
    calls_per_s, chunks_per_s = options.calls / spent_s, options.calls * options.chunks / spent_s
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(  # noqa: T201  # a script
        f"{calls_per_s:.0f} calls/s, {chunks_per_s:.0f} chunks/s, {spent_s:.2f} s CPU, {peak_mb:.0f} MB peak"
    )
