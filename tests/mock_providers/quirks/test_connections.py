"""Connections before the first word and after the last one, in both worlds."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import httpx
import pytest

from harness.virtual import run_virtual
from tests.parity.worlds import fast_profile, providers

T = TypeVar("T")
PROMPT = "in about 20 tokens"
BODY: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": PROMPT}]}
HEADERS = {"authorization": "Bearer k"}
both_worlds = pytest.mark.parametrize("run", [asyncio.run, run_virtual], ids=["sockets", "virtual"])
Run = Callable[[Coroutine[Any, Any, T]], T]


async def raw(*requests: float, fault: dict[str, Any]) -> list[bytes]:
    """The replies on one connection, each asked so many seconds after the last one; b"" for none."""
    async with providers(fast_profile(), [fault | {"provider": "openai"}]) as (_, endpoints):
        host, port = endpoints["openai"].base_url.split("/")[2].split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        replies = []
        for pause_s in requests:
            await asyncio.sleep(pause_s)
            writer.write(request())
            try:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                replies.append(head + await reader.readexactly(length))
            except asyncio.IncompleteReadError:
                replies.append(b"")
            except ConnectionResetError:
                replies.append(b"reset")
        writer.close()
        return replies


def request() -> bytes:
    body = b'{"model":"gpt-4o","messages":[{"role":"user","content":"in about 20 tokens"}]}'
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\n"
    return head + b"content-length: %d\r\n\r\n%s" % (len(body), body)


@both_worlds
def test_a_connection_is_closed_after_the_reply_without_notice(run: Run[list[bytes]]) -> None:
    """openai-python's users see `Server disconnected without sending a response`: encode/httpx#2487."""
    first, second = run(raw(0.0, 0.02, fault={"kind": "keep_alive_close"}))
    assert first.startswith(b"HTTP/1.1 200")
    assert b"connection: close" not in first.lower()
    assert second in (b"", b"reset")  # a request to a closed socket may be answered with a reset


@both_worlds
def test_a_connection_is_closed_when_the_next_request_comes(run: Run[list[bytes]]) -> None:
    """llm-d#1564: the server's keep-alive is shorter than the client's, and both cross."""
    first, second = run(raw(0.0, 0.02, fault={"kind": "keep_alive_close", "variant": "next_request"}))
    assert (first[:12], second) == (b"HTTP/1.1 200", b"")


@both_worlds
def test_a_forgotten_connection_is_reset_when_the_next_request_comes(run: Run[list[bytes]]) -> None:
    first, second = run(raw(0.0, 0.02, fault={"kind": "keep_alive_close", "variant": "next_reset"}))
    assert (first[:12], second) == (b"HTTP/1.1 200", b"reset")


@both_worlds
def test_an_idle_connection_lives_as_long_as_it_is_told_to(run: Run[list[bytes]]) -> None:
    fault = {"kind": "keep_alive_close", "after_s": 0.2}
    first, second, third = run(raw(0.0, 0.02, 0.5, fault=fault))
    assert first.startswith(b"HTTP/1.1 200")
    assert second.startswith(b"HTTP/1.1 200")
    assert third in (b"", b"reset")


async def early(*, stream: bool) -> tuple[float, list[bytes]]:
    """Seconds to the headers of a reply that is 0.25 s away, and what comes then."""
    slow = fast_profile(ttft={"kind": "constant", "value_s": 0.25})
    faults = [{"kind": "early_headers", "gap_s": 0.1, "provider": "openai"}]
    async with providers(slow, faults) as (_, endpoints):
        now = asyncio.get_running_loop().time
        async with httpx.AsyncClient() as client:
            began = now()
            url = f"{endpoints['openai'].base_url}/chat/completions"
            async with client.stream("POST", url, json={**BODY, "stream": stream}, headers=HEADERS) as got:
                took_s = now() - began
                return took_s, [part async for part in got.aiter_raw()]


@both_worlds
def test_a_stream_has_headers_at_once_and_comments_until_its_first_word(run: Run[Any]) -> None:
    """openrouter.ai/docs/api-reference/streaming; api-docs.deepseek.com/quick_start/rate_limit."""
    took_s, parts = run(early(stream=True))
    assert took_s < 0.1
    whole = b"".join(parts)
    assert whole.startswith(b": keep-alive\n\n: keep-alive\n\ndata: ")
    assert whole.count(b"keep-alive") == 2


@both_worlds
def test_a_whole_reply_has_headers_at_once_and_blank_lines_until_its_body(run: Run[Any]) -> None:
    """api-docs.deepseek.com/quick_start/rate_limit: non-streaming requests get empty lines."""
    took_s, parts = run(early(stream=False))
    assert took_s < 0.1
    assert b"".join(parts).startswith(b'\n\n{"id"')


@both_worlds
def test_a_character_is_split_over_two_parts(run: Run[Any]) -> None:
    """api7/aisix#111, liter-llm#152."""

    async def parts() -> list[bytes]:
        fault = {"kind": "odd_framing", "variant": "split", "provider": "openai"}
        body = {"model": "gpt-4o", "stream": True}
        body["messages"] = [{"role": "user", "content": "in many scripts, in about 40 tokens"}]
        async with providers(fast_profile(), [fault]) as (_, endpoints), httpx.AsyncClient() as client:
            url = f"{endpoints['openai'].base_url}/chat/completions"
            async with client.stream("POST", url, json=body, headers=HEADERS) as got:
                return [part async for part in got.aiter_raw()]

    sent = run(parts())
    assert any(not decodes(part) for part in sent)
    assert decodes(b"".join(sent))


def decodes(part: bytes) -> bool:
    try:
        part.decode()
    except UnicodeDecodeError:
        return False
    return True
