"""Checks of the failure tables: the SDK's error, the number of requests, and no charge for an error reply."""

import asyncio
from functools import partial
from typing import Any

import anthropic
import openai

from tests.sdks.failures import Case, Fault, cases
from tests.sdks.lab import Checks, Lab, user

ASLEEP_S = 5.0
"""Longer than two retries with the SDKs' own backoff, shorter than any retry-after hint in the tables."""


async def asked_openai(case: Case, lab: Lab) -> str:
    """The outcome of a chat completion."""
    sdk = lab.gpt.with_options(max_retries=2, timeout=openai.Timeout(10.0, read=case.read_timeout_s))
    reply = await sdk.chat.completions.create(**asked("gpt-4o", case))
    if not case.stream:
        return whole(reply, lambda: reply.choices and reply.choices[0].message.content)
    texts, finish, events = [], None, 0
    async with reply:
        async for chunk in reply:
            events += 1
            if chunk.choices:
                texts.append(chunk.choices[0].delta.content or "")
                finish = chunk.choices[0].finish_reason or finish
    return streamed("".join(texts), events, finished=finish == "stop")


async def asked_anthropic(case: Case, lab: Lab) -> str:
    """The outcome of a message."""
    sdk = lab.claude.with_options(max_retries=2, timeout=anthropic.Timeout(10.0, read=case.read_timeout_s))
    reply = await sdk.messages.create(**asked("claude-sonnet", case))
    if not case.stream:
        return whole(reply, lambda: reply.content and reply.content[0].text)
    texts, last, events = [], "", 0
    async with reply:
        async for event in reply:
            events += 1
            last = event.type
            if last == "content_block_delta" and event.delta.type == "text_delta":
                texts.append(event.delta.text)
    return streamed("".join(texts), events, finished=last == "message_stop")


ASK = {"openai": asked_openai, "anthropic": asked_anthropic}


def asked(model: str, case: Case) -> dict[str, Any]:
    messages = user("in about 60 tokens")
    usual = {"model": model, "max_tokens": 100, "messages": messages, "stream": case.stream}
    return {**usual, **(case.changes or {})}


def whole(reply: Any, content: Any) -> str:
    """The outcome of a reply that is not streamed."""
    if isinstance(reply, str):
        return "a str"
    return "a whole reply" if content() else "a reply without content"


def streamed(text: str, events: int, *, finished: bool) -> str:
    """The outcome of a stream that ended without an error; 60 tokens are 237 to 240 characters."""
    if not events:
        return "an empty stream"
    if not finished:
        return "an unfinished reply"
    return "a whole reply" if len(text) >= 237 else "a reply with a hole"


def described(error: Exception) -> str:
    """Class, status and name of an error."""
    kind = f"{type(error).__module__.partition('.')[0]}.{type(error).__name__}"
    body: Any = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, dict) else {}
    words = (kind, getattr(error, "status_code", None), inner.get("code") or inner.get("type"))
    return " ".join(str(word) for word in words if word is not None)


async def check_case(case: Case, lab: Lab) -> None:
    """Check outcome and number of requests, and that an error reply is free of charge."""
    refusal: Any = None
    try:
        async with asyncio.timeout(ASLEEP_S if case.outcome.startswith("asleep") else None):
            outcome = await ASK[case.sdk](case, lab)
    except TimeoutError:
        outcome = "asleep"
    except Exception as error:  # noqa: BLE001  # raw transport errors are among the outcomes
        outcome, refusal = described(error), error
    rows = await lab.rows(at_least=int(case.outcome.rpartition("x")[2]))
    outcome += f" x{len(rows)}"
    assert outcome == case.outcome, f"expected {case.outcome}, got {outcome}"
    if getattr(refusal, "status_code", 200) >= 400:
        last = rows[-1]
        assert (last["status"], last["ended"], last["cost_nusd"]) == (refusal.status_code, "error", 0)
        assert refusal.request_id == (None if case.name == "502-page" else last["request_id"])


ERROR_CHECKS = Checks({case.check: partial(check_case, case) for case in cases()})
FAULTS: list[Fault] = [
    {**case.fault, "provider": case.sdk, "key": case.check} for case in cases() if case.fault is not None
]
"""Each targets its case's key, so that all cases can run concurrently."""
