"""A page in headless Chromium, controlled by its DevTools protocol: evaluate, resize, screenshot."""

import asyncio
import base64
import itertools
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)


class Tab:
    """One page; `errors` holds its log entries and uncaught exceptions."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._loads = 0
        self.errors: list[str] = []

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of one command."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while (message := await self._receive()).get("id") != number:
            pass
        assert "error" not in message, message
        result: dict[str, Any] = message["result"]
        return result

    async def _receive(self) -> dict[str, Any]:
        """The next message; log entries, exceptions and page loads are recorded."""
        message: dict[str, Any] = await self._socket.receive_json(timeout=30)
        if message.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
            self.errors.append(str(message["params"]))
        self._loads += message.get("method") == "Page.loadEventFired"
        return message

    async def open(self, url: str, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Load a page into a viewport of this size (CSS pixels)."""
        for domain in ("Page", "Runtime", "Log"):
            await self.call(f"{domain}.enable")
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])
        await self.resize(width, height)
        loads = self._loads
        await self.call("Page.navigate", url=url)
        while self._loads == loads:
            await self._receive()

    async def resize(self, width: int, height: int) -> None:
        """Resize the viewport (CSS pixels)."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        await self.call("Emulation.setDeviceMetricsOverride", **size)

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        reply = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in reply, reply
        return reply["result"].get("value")

    async def until(self, condition: str) -> None:
        """Wait until a JavaScript expression is truthy; fails after 15 s."""
        async with asyncio.timeout(15):
            while not await self.evaluate(condition):  # noqa: ASYNC110 - the page sends no event
                await asyncio.sleep(0.05)

    async def picture(self) -> bytes:
        """The viewport as a PNG."""
        reply = await self.call("Page.captureScreenshot", format="png")
        return base64.b64decode(reply["data"])


@asynccontextmanager
async def browse(profile: Path) -> AsyncIterator[Tab]:
    """A new tab of a new browser, its user data in `profile`."""
    assert CHROMIUM is not None
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        *_FLAGS,
        f"--user-data-dir={profile}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        port = await _port(profile / "DevToolsActivePort")
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json") as reply:
                (target,) = [target for target in await reply.json() if target["type"] == "page"]
            async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                yield Tab(socket)
    finally:
        process.terminate()
        await process.wait()


async def _port(file: Path) -> int:
    async with asyncio.timeout(30):
        while not file.exists() or not file.read_text(encoding="ascii"):  # noqa: ASYNC110, ASYNC240 - no event
            await asyncio.sleep(0.05)
    return int(file.read_text(encoding="ascii").splitlines()[0])  # noqa: ASYNC240 - one line
