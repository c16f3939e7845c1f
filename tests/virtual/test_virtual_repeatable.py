"""A virtual run repeats exactly: in one process, and in processes with other hash seeds."""

import hashlib
import os
import subprocess
import sys
import textwrap

PROGRAM = textwrap.dedent("""
    import asyncio, hashlib, random, sys
    import httpx, openai
    from httpx_aiohttp import AiohttpTransport
    from harness.virtual import run_virtual
    from mock_providers import build_server

    trace = []

    def note(*facts):
        trace.append((asyncio.get_running_loop().time(), *facts))

    async def app(scope, receive, send):
        await receive()
        n = int(scope["path"].rpartition("/")[2])
        note("request", n, scope["client"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        gone = asyncio.ensure_future(receive())
        for k in range(n % 7):
            await asyncio.wait([gone], timeout=0.01 * (1 + n % 3))
            if gone.done():
                note("hung up", n, k)
                return
            await send({"type": "http.response.body", "body": b"x" * n, "more_body": True})
        gone.cancel()
        await send({"type": "http.response.body", "body": b""})

    async def call(client, n):
        await asyncio.sleep((n * 7 % 11) / 100)
        async with client.stream("GET", f"/{n}") as response:
            async for data in response.aiter_raw():
                note("data", n, len(data))
                if n % 5 == 0:
                    break

    async def threads(n):
        await asyncio.to_thread(sum, range(10_000 * (5 - n)))
        note("thread", n)

    async def sdk(base_url):
        async with openai.AsyncOpenAI(api_key="k", base_url=base_url, max_retries=0) as client:
            try:
                await client.models.list()
            except openai.OpenAIError as error:
                note("sdk", type(error).__name__)

    async def main():
        asyncio.get_running_loop().network.delay_s = 0.001
        server = build_server(app, port=0)
        await server.startup()
        url = "http://127.0.0.1:%d" % server.servers[0].sockets[0].getsockname()[1]
        for transport in (AiohttpTransport(), httpx.AsyncHTTPTransport()):
            async with httpx.AsyncClient(base_url=url, transport=transport) as client:
                await asyncio.gather(*(call(client, n) for n in range(60)), *(threads(n) for n in range(5)))
        await asyncio.gather(*(sdk("http://127.0.0.1:9") for _ in range(3)))
        leftover = [asyncio.create_task(leave(n)) for n in range(20)]
        await asyncio.sleep(0.5)

    async def leave(n):
        try:
            await asyncio.sleep(1000)
        finally:
            note("left", n)

    for _ in range(2):
        trace.clear()
        run_virtual(main())
        print(len(trace), hashlib.sha256(repr(trace).encode()).hexdigest())
""")


def traces(hash_seed: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:2]


def test_a_program_leaves_the_same_trace_twice_and_under_other_hash_seeds() -> None:
    first, second = traces("1")
    assert int(first.split()[0]) > 300
    assert len(first.split()[1]) == hashlib.sha256().digest_size * 2
    assert [first, second] == [first, first] == traces("2")
