"""A user's client at its worst: each call behaves as a digest of its prompt decides.

Runs copy this file beside their scenario; `behaviours.json` there names the behaviours that occur.
"""

import asyncio
import hashlib
import json
import os
import random
import sys
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).parent


class Unprintable(Exception):
    """An exception whose message cannot be read."""

    def __str__(self) -> str:
        raise RuntimeError("no message")


class Evil(str):
    """A text that breaks whoever handles it as one."""

    __slots__ = ()

    def strip(self, *_: Any) -> str:
        raise RuntimeError("not a text")


RAISED: dict[str, Callable[[], BaseException]] = {
    "value": lambda: ValueError("no"),
    "key": lambda: KeyError("choices"),
    "attribute": lambda: AttributeError("'NoneType' object has no attribute 'content'"),
    "huge": lambda: ValueError("x" * 200_000),
    "unprintable": Unprintable,
    "surrogate": lambda: ValueError("\ud800"),
    "cancelled": asyncio.CancelledError,
    "generator exit": GeneratorExit,
    "stop": lambda: StopAsyncIteration("over"),
    "system exit": lambda: SystemExit(3),
    "system exit in words": lambda: SystemExit("good bye"),
    "memory": MemoryError,
    "recursion": RecursionError,
    "timeout": TimeoutError,
    "reset": ConnectionResetError,
    "disk": lambda: OSError(28, "No space left on device"),
    "group": lambda: BaseExceptionGroup("several", [ValueError("a"), asyncio.CancelledError()]),
    "http": lambda: httpx.ReadTimeout("slow"),
    "base": lambda: BaseException("base"),
}
RETURNED: dict[str, Callable[[], Any]] = {
    "none": lambda: None,
    "number": lambda: 42,
    "bytes": lambda: b"text",
    "list": lambda: [{"type": "text"}],
    "surrogate": lambda: "\ud800 half a character",
    "nul": lambda: "a\0b",
    "long": lambda: "word " * 100_000,
    "evil": lambda: Evil("x"),
    "empty": lambda: "",
    "blank": lambda: " \n\t ",
}


async def _swallow(seconds: float) -> None:
    """Ignore every cancellation."""
    while True:
        with suppress(BaseException):
            await asyncio.sleep(seconds)


async def _cancel_itself() -> str:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(1)
    return "never"


async def _cancel_everybody() -> str:
    for task in asyncio.all_tasks():
        task.cancel()
    await asyncio.sleep(0.1)
    return "still here"


async def _leave_tasks_behind() -> str:
    async def fails() -> None:
        await asyncio.sleep(0.05)
        raise RuntimeError("in the background")

    warnings.simplefilter("ignore")
    for _ in range(3):
        asyncio.get_running_loop().create_task(fails())
    return "answered"


async def _change_the_world() -> str:
    os.environ["LOCUST_RUN_TIME"] = "1s"
    random.seed(0)
    sys.setrecursionlimit(2_000)
    return "answered"


async def _stop_the_loop() -> str:
    asyncio.get_running_loop().stop()
    await asyncio.sleep(0.1)
    return "answered"


async def _exit() -> str:
    os._exit(7)


ODD: dict[str, Callable[[], Awaitable[Any]]] = {
    "hang": lambda: asyncio.sleep(1e9),
    "swallow": lambda: _swallow(1.0),
    "slow": lambda: asyncio.sleep(3, "late"),
    "cancel itself": _cancel_itself,
    "cancel everybody": _cancel_everybody,
    "tasks": _leave_tasks_behind,
    "world": _change_the_world,
    "stop": _stop_the_loop,
    "exit": _exit,
}
BEHAVIOURS = [
    "ask",
    *(f"raise {name}" for name in RAISED),
    *(f"return {name}" for name in RETURNED),
    *(f"yield {name}" for name in RETURNED),
    *(f"break with {name}" for name in RAISED),
    *ODD,
]


class Hostile:
    """The client; `providers` as the harness gives them."""

    def __init__(self, providers: Any) -> None:
        self._at = providers["openai"]
        self._chosen = json.loads((HERE / "behaviours.json").read_text())

    def __call__(self, messages: Any, max_tokens: int) -> Any:
        digest = hashlib.sha256(json.dumps(messages).encode()).digest()
        name = self._chosen[digest[0] % len(self._chosen)]
        kind, _, which = name.partition(" ")
        if kind == "yield" or name.startswith("break with "):
            return self._stream(name)
        if kind == "raise" and digest[1] % 4 == 0:
            raise RAISED[which]()  # before there is anything to await
        return self._whole(name, messages, max_tokens)

    async def _whole(self, name: str, messages: Any, max_tokens: int) -> Any:
        kind, _, which = name.partition(" ")
        if name == "ask":
            return await self._ask(messages, max_tokens)
        if kind == "raise":
            await asyncio.sleep(0.01)
            raise RAISED[which]()
        if kind == "return":
            return RETURNED[which]()
        return await ODD[name]()

    async def _stream(self, name: str) -> AsyncIterator[Any]:
        yield "The "
        await asyncio.sleep(0.05)
        if name.startswith("yield "):
            yield RETURNED[name.removeprefix("yield ")]()
        else:
            raise RAISED[name.removeprefix("break with ")]()

    async def _ask(self, messages: Any, max_tokens: int) -> str:
        body = {"model": "gpt-4o", "messages": messages, "max_tokens": max_tokens}
        headers = {"authorization": f"Bearer {self._at.api_key}"}
        async with httpx.AsyncClient(trust_env=False, verify=False) as client:
            reply = await client.post(f"{self._at.base_url}/chat/completions", json=body, headers=headers)
        return str(reply.raise_for_status().json()["choices"][0]["message"]["content"])

    async def aclose(self) -> None:
        """Fail, as clients do."""
        if "swallow" in self._chosen:
            await asyncio.sleep(1e9)
        raise RuntimeError("closing failed")
