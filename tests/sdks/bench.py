"""What a check works with: the SDKs of this interpreter, its own key at every provider, and the ledger.

Nothing here needs more than the SDKs and the standard library, so that an environment which holds only them
can run it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.request import Request, urlopen

import anthropic
import openai

TODAY = int(openai.__version__.partition(".")[0]) >= 3
"""Whether these are openai 3 and anthropic 2, which sit on httpx2, or the generation before them on httpx."""

PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Lab:
    """The clients of one check. They are typed as Any: the generations differ in their types.

    `name` is the check's: it is the API key, so that a fault can be aimed at the check alone, and the id of
    its attempts in the ledger.
    """

    name: str
    gpt: Any
    llama: Any
    claude: Any
    admin_url: str

    def for_check(self, name: str) -> "Lab":
        """The same SDKs, with the key and the attempt id of one check."""
        own = {"api_key": name, "default_headers": {"x-client-request-id": name}}
        gpt, llama, claude = (sdk.with_options(**own) for sdk in (self.gpt, self.llama, self.claude))
        return replace(self, name=name, gpt=gpt, llama=llama, claude=claude)

    async def rows(self, at_least: int = 1) -> list[dict[str, Any]]:
        """The check's rows in the ledger, oldest first; one comes when the provider sees the request end."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                ledger = await asyncio.to_thread(fetched, f"{self.admin_url}/_mock/ledger")
                rows = [row for row in map(json.loads, ledger.splitlines()) if row["attempt_id"] == self.name]
                if len(rows) >= at_least:
                    return rows
                await asyncio.sleep(0.05)


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
    async with (
        openai.AsyncOpenAI(base_url=urls["openai"], api_key="k", max_retries=0) as gpt,
        openai.AsyncOpenAI(base_url=urls["together"], api_key="k", max_retries=0) as llama,
        anthropic.AsyncAnthropic(base_url=urls["anthropic"], api_key="k", max_retries=0) as claude,
    ):
        yield Lab("", gpt, llama, claude, urls["admin"])


def fetched(url: str, body: object = None) -> str:
    """The reply to a GET, or to a POST of JSON; blocks."""
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url, data), timeout=PATIENCE_S) as reply:
        return str(reply.read().decode())


def user(text: str) -> list[dict[str, Any]]:
    """A conversation of one message."""
    return [{"role": "user", "content": text}]


async def until_over(retrieve: Callable[[str], Awaitable[Any]], batch_id: str) -> Any:
    """A batch of either provider when nothing changes about it any more."""
    final = ("ended", "completed", "failed", "expired", "cancelled")
    async with asyncio.timeout(PATIENCE_S):
        while True:
            batch = await retrieve(batch_id)
            if (getattr(batch, "status", None) or batch.processing_status) in final:
                return batch
            await asyncio.sleep(0.05)
