"""The lab of a check: the SDKs of this interpreter, an API key of its own, and the ledger.

It needs only the SDKs and the standard library, so that an environment with nothing else can run it.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.request import Request, urlopen

import anthropic
import openai

CURRENT_SDKS = int(openai.__version__.partition(".")[0]) >= 3
"""Whether the SDKs are openai 3 and anthropic 2, built on httpx2; else the previous generation, on httpx."""

PATIENCE_S = 10.0
SDKS: dict[str, tuple[Any, str]] = {
    "gpt": (openai.AsyncOpenAI, "openai"),
    "claude": (anthropic.AsyncAnthropic, "anthropic"),
    "llama": (openai.AsyncOpenAI, "together"),
    "endless_gpt": (openai.AsyncOpenAI, "openai-endless"),
    "endless_claude": (anthropic.AsyncAnthropic, "anthropic-endless"),
}
"""By attribute of Lab: the client's class, and the provider that it calls."""


class Ledger:
    """The providers' ledger, polled by one task for all checks."""

    def __init__(self, admin_url: str) -> None:
        self._url = f"{admin_url}/_mock/ledger?since="
        self._rows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self._read = 0
        self._news = asyncio.Condition()

    async def follow(self) -> None:
        """Poll for new rows until cancelled."""
        while True:
            lines = (await asyncio.to_thread(fetch, f"{self._url}{self._read}")).splitlines()
            self._read += len(lines)
            for row in map(json.loads, lines):
                self._rows[row["attempt_id"]].append(row)
            async with self._news:
                self._news.notify_all()
            await asyncio.sleep(0.05)

    async def rows_of(self, attempt_id: str, at_least: int) -> list[dict[str, Any]]:
        """The rows of one client, at least all that are written by now; waits for `at_least` rows."""
        async with asyncio.timeout(PATIENCE_S), self._news:
            for _ in range(2):  # the current poll may have begun before now
                await self._news.wait()
            await self._news.wait_for(lambda: len(self._rows[attempt_id]) >= at_least)
            return list(self._rows[attempt_id])


@dataclass(frozen=True, slots=True)
class Lab:
    """The clients of one check, typed as Any because the SDK generations differ in their types.

    - `name`: of the check; also its API key, so that a fault can target it alone, and its attempt id
    - `llama`: Together
    - `endless_gpt`, `endless_claude`: providers that never finish a batch
    """

    name: str
    ledger: "Ledger"
    gpt: Any
    claude: Any
    llama: Any
    endless_gpt: Any
    endless_claude: Any

    def for_check(self, name: str) -> "Lab":
        """The same SDKs with the key and attempt id of one check."""
        own = {"api_key": name, "default_headers": {"x-client-request-id": name}}
        sdks = {sdk: getattr(self, sdk).with_options(**own) for sdk in SDKS}
        return replace(self, name=name, **sdks)

    async def rows(self, at_least: int = 1) -> list[dict[str, Any]]:
        """The check's ledger rows, oldest first; waits for `at_least` rows."""
        return await self.ledger.rows_of(self.name, at_least)


Check = Callable[[Lab], Awaitable[None]]


class Checks(dict[str, Check]):
    """Checks by name; the name states the promise."""

    def __call__(self, check: Check) -> Check:
        """Add a function under its own name."""
        self[check.__name__] = check
        return check


@asynccontextmanager
async def opened_lab(urls: Mapping[str, str]) -> AsyncIterator[Lab]:
    """SDKs without retries; `urls`: base URLs by provider, and "admin"."""
    async with AsyncExitStack() as stack:
        sdks = {}
        for sdk, (client, provider) in SDKS.items():
            opened = client(base_url=urls[provider], api_key="none", max_retries=0)
            sdks[sdk] = await stack.enter_async_context(opened)
        ledger = Ledger(urls["admin"])
        stack.callback(asyncio.create_task(ledger.follow()).cancel)
        yield Lab("", ledger, **sdks)


def fetch(url: str, body: object = None) -> str:
    """The reply to a GET, or to a POST of JSON; blocks."""
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url, data), timeout=PATIENCE_S) as reply:
        return str(reply.read().decode())


def user(text: str) -> list[dict[str, Any]]:
    """A conversation of one message."""
    return [{"role": "user", "content": text}]


async def raised(call: Awaitable[Any]) -> Exception | None:
    """The SDK error that the call raises, None without one."""
    try:
        await call
    except (openai.OpenAIError, anthropic.AnthropicError) as error:
        return error
    return None


async def until_over(retrieve: Callable[[str], Awaitable[Any]], batch_id: str) -> Any:
    """Poll a batch of either provider until its status is final."""
    final = ("ended", "completed", "failed", "expired", "cancelled")
    async with asyncio.timeout(PATIENCE_S):
        while True:
            batch = await retrieve(batch_id)
            if (getattr(batch, "status", None) or batch.processing_status) in final:
                return batch
            await asyncio.sleep(0.05)
