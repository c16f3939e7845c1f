"""A stack behind its gateway, called as by any OpenAI client."""

import asyncio

import httpx

from harness.load.driver import Ask
from harness.load.plan import PlannedCall
from harness.load.reading import ObservedReply, read_line, read_whole
from harness.load.request import request_body, request_headers


def ask_gateway(client: httpx.AsyncClient, url: str) -> Ask:
    """Calls the OpenAI-compatible server at `url`, which ends in /v1."""

    async def ask(planned: PlannedCall, observed: ObservedReply) -> None:
        body, headers = request_body(planned), request_headers(planned)
        try:
            async with client.stream("POST", f"{url}/chat/completions", content=body, headers=headers) as got:
                await _read(got, observed)
        except httpx.ConnectError:
            observed.error_kind = "connect"
        except httpx.TransportError:
            observed.error_kind = "connection"

    return ask


async def _read(got: httpx.Response, observed: ObservedReply) -> None:
    now = asyncio.get_running_loop().time
    observed.status = got.status_code
    if got.status_code != 200 or not got.headers.get("content-type", "").startswith("text/event-stream"):
        read_whole(await got.aread(), now, observed)
        return
    tail, ended = b"", False
    async for chunk in got.aiter_raw():
        *lines, tail = (tail + chunk).split(b"\n")
        for line in lines:
            ended = ended or read_line(line, now, observed)
    if not ended:
        observed.error_kind = "truncated"
