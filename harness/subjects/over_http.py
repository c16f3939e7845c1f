"""A stack behind its gateway, asked as any OpenAI client would ask it."""

import asyncio

import httpx

from harness.load.driver import Ask
from harness.load.plan import PlannedCall
from harness.load.reading import Seen, read_line, read_whole
from harness.load.request import request_body, request_headers


def ask_gateway(client: httpx.AsyncClient, url: str) -> Ask:
    """Calls the OpenAI-compatible server at `url`, which ends in /v1."""

    async def ask(planned: PlannedCall, seen: Seen) -> None:
        body, headers = request_body(planned), request_headers(planned)
        try:
            async with client.stream("POST", f"{url}/chat/completions", content=body, headers=headers) as got:
                await _read(got, seen)
        except httpx.ConnectError:
            seen.error_kind = "connect"
        except httpx.TransportError:
            seen.error_kind = "connection"

    return ask


async def _read(got: httpx.Response, seen: Seen) -> None:
    now = asyncio.get_running_loop().time
    seen.status = got.status_code
    if got.status_code != 200 or not got.headers.get("content-type", "").startswith("text/event-stream"):
        read_whole(await got.aread(), now, seen)
        return
    tail, ended = b"", False
    async for chunk in got.aiter_raw():
        *lines, tail = (tail + chunk).split(b"\n")
        for line in lines:
            ended = ended or read_line(line, now, seen)
    if not ended:
        seen.error_kind = "truncated"
