"""What a check works with: the SDKs of this interpreter, its own key at every provider, and the ledger.

Nothing here needs more than the SDKs and the standard library, so that an environment which holds only them
can run it.
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

TODAY = int(openai.__version__.partition(".")[0]) >= 3
"""Whether these are openai 3 and anthropic 2, which sit on httpx2, or the generation before them on httpx."""

PATIENCE_S = 10.0
SDKS: dict[str, tuple[Any, str]] = {
    "gpt": (openai.AsyncOpenAI, "openai"),
    "claude": (anthropic.AsyncAnthropic, "anthropic"),
    "llama": (openai.AsyncOpenAI, "together"),
    "endless_gpt": (openai.AsyncOpenAI, "openai-endless"),
    "endless_claude": (anthropic.AsyncAnthropic, "anthropic-endless"),
}
"""By its name in a lab: the client, and the provider that it calls."""


class Ledger:
    """The provider's ledger, read on and on by one task for all checks."""

    def __init__(self, admin_url: str) -> None:
        self._url = f"{admin_url}/_mock/ledger?since="
        self._rows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self._read = 0
        self._news = asyncio.Condition()

    async def follow(self) -> None:
        """Read what is new, for ever."""
        while True:
            lines = (await asyncio.to_thread(fetched, f"{self._url}{self._read}")).splitlines()
            self._read += len(lines)
            for row in map(json.loads, lines):
                self._rows[row["attempt_id"]].append(row)
            async with self._news:
                self._news.notify_all()
            await asyncio.sleep(0.05)

    async def rows_of(self, attempt_id: str, at_least: int) -> list[dict[str, Any]]:
        """The rows of one client; those that were written by now are among them."""
        async with asyncio.timeout(PATIENCE_S), self._news:
            for _ in range(2):  # the reading that is under way may have begun before now
                await self._news.wait()
            await self._news.wait_for(lambda: len(self._rows[attempt_id]) >= at_least)
            return list(self._rows[attempt_id])


@dataclass(frozen=True, slots=True)
class Lab:
    """The clients of one check. They are typed as Any: the generations differ in their types.

    `name` is the check's: it is the API key, so that a fault can be aimed at the check alone, and the id of
    its attempts in the ledger. `llama` is Together; the endless providers finish no batch.
    """

    name: str
    ledger: "Ledger"
    gpt: Any
    claude: Any
    llama: Any
    endless_gpt: Any
    endless_claude: Any

    def for_check(self, name: str) -> "Lab":
        """The same SDKs, with the key and the attempt id of one check."""
        own = {"api_key": name, "default_headers": {"x-client-request-id": name}}
        sdks = {sdk: getattr(self, sdk).with_options(**own) for sdk in SDKS}
        return replace(self, name=name, **sdks)

    async def rows(self, at_least: int = 1) -> list[dict[str, Any]]:
        """The check's rows in the ledger, oldest first; one comes when the provider sees the request end."""
        return await self.ledger.rows_of(self.name, at_least)


Check = Callable[[Lab], Awaitable[None]]


class Checks(dict[str, Check]):
    """Checks by their names; a name is the promise that the check holds."""

    def __call__(self, check: Check) -> Check:
        """Add a function under its own name."""
        self[check.__name__] = check
        return check


@asynccontextmanager
async def opened_lab(urls: Mapping[str, str]) -> AsyncIterator[Lab]:
    """SDKs without retries against these base URLs; `urls` by provider, and "admin"."""
    async with AsyncExitStack() as stack:
        sdks = {}
        for sdk, (client, provider) in SDKS.items():
            opened = client(base_url=urls[provider], api_key="none", max_retries=0)
            sdks[sdk] = await stack.enter_async_context(opened)
        ledger = Ledger(urls["admin"])
        stack.callback(asyncio.create_task(ledger.follow()).cancel)
        yield Lab("", ledger, **sdks)


def fetched(url: str, body: object = None) -> str:
    """The reply to a GET, or to a POST of JSON; blocks."""
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url, data), timeout=PATIENCE_S) as reply:
        return str(reply.read().decode())


def user(text: str) -> list[dict[str, Any]]:
    """A conversation of one message."""
    return [{"role": "user", "content": text}]


async def raised(call: Awaitable[Any]) -> Exception | None:
    """The SDK's own error, if the call raises one."""
    try:
        await call
    except (openai.OpenAIError, anthropic.AnthropicError) as error:
        return error
    return None


async def until_over(retrieve: Callable[[str], Awaitable[Any]], batch_id: str) -> Any:
    """A batch of either provider when nothing changes about it any more."""
    final = ("ended", "completed", "failed", "expired", "cancelled")
    async with asyncio.timeout(PATIENCE_S):
        while True:
            batch = await retrieve(batch_id)
            if (getattr(batch, "status", None) or batch.processing_status) in final:
                return batch
            await asyncio.sleep(0.05)
