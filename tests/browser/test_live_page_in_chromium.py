"""The live page in a real browser: used by hand, and with data from a hostile client."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from matplotlib.image import imread

from mock_providers import MockApp, load_profile, serve
from tests.browser.devtools import CHROMIUM, Tab, browse

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium on PATH: the page is not tested in a browser"
)

MARKUP = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"


class Site:
    """A mock with its live page open."""

    def __init__(self, app: MockApp, urls: dict[str, str], tab: Tab) -> None:
        self.app, self.urls, self.tab = app, urls, tab
        self.page = urls["admin"] + "/_mock/"

    async def ask(self, model: str = "gpt-4o") -> int:
        """Send one request; its status."""
        body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 3}
        async with httpx.AsyncClient() as client:
            url, headers = f"{self.urls['openai']}/chat/completions", {"authorization": "Bearer k"}
            return (await client.post(url, json=body, headers=headers)).status_code

    async def text(self, id_: str) -> str:
        """The text of an element."""
        return str(await self.tab.evaluate(f"document.getElementById('{id_}').innerText"))

    async def shows(self, id_: str, part: str) -> None:
        """Wait until an element shows `part`."""
        await self.tab.until(f"document.getElementById('{id_}').innerText.includes({json.dumps(part)})")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    app = MockApp(load_profile("typical"), seed=7)
    stop = asyncio.Event()
    urls: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(app, on_ready=urls.set_result, stop=stop))
    try:
        async with browse(tmp_path / "profile") as tab:
            opened = Site(app, await urls, tab)
            await tab.open(opened.page)
            await opened.shows("title", "typical")
            yield opened
        assert tab.errors == []
    finally:
        stop.set()
        await serving


async def test_requests_appear_without_reload(site: Site) -> None:
    assert await site.ask() == 200
    await site.shows("last", "gpt-4o")
    assert await site.text("requests") == "1"
    (row,) = site.app.ledger.rows
    assert await site.text("spend") == f"${row.cost_nusd / 1e9:.4f}"
    assert site.urls["openai"] in await site.text("models")


async def test_faults_are_added_removed_and_cleared_by_hand(site: Site) -> None:
    await site.tab.evaluate(
        "$('kind').value = 'http_error'; showKind(); $('provider').value = 'openai'; $('for').value = '60';"
        "document.querySelector('[data-option=status]').value = '529'; $('add').requestSubmit()"
    )
    await site.shows("faults", "status 529")
    (fault,) = site.app.faults
    assert (fault.kind, fault.provider, fault.to_s) == ("http_error", "openai", fault.from_s + 60.0)
    assert "active" in await site.text("faults")
    assert await site.ask() == 529
    await site.tab.evaluate("$('faults').querySelector('button').click()")
    await site.shows("faults", "No faults")
    assert site.app.faults == ()
    for _ in range(2):
        await site.tab.evaluate("$('for').value = ''; $('add').requestSubmit()")
        await site.shows("note", "Added")
    await site.tab.until("$('faults').rows.length === 2")
    await site.tab.evaluate("$('clear').click()")
    await site.shows("faults", "No faults")


async def test_a_refused_fault_is_explained_in_one_line(site: Site) -> None:
    await site.tab.evaluate("$('probability').value = '2'; $('add').requestSubmit()")
    await site.shows("note", "probability: ")
    assert site.app.faults == ()
    site.tab.errors.clear()  # the browser logs every 400


async def test_start_and_reset_by_hand(site: Site) -> None:
    await site.shows("about", "not set")
    await site.tab.evaluate("$('start').click()")
    await site.shows("about", "t = ")
    await site.ask()
    await site.tab.evaluate("$('seed').value = '11'; $('clock').requestSubmit()")
    await site.shows("about", "seed 11")
    assert (site.app.run.seed, len(site.app.ledger)) == (11, 0)


async def test_markup_in_a_models_name_stays_text(site: Site) -> None:
    assert await site.ask(MARKUP) == 404
    await site.shows("last", MARKUP)
    await site.shows("models", MARKUP)
    assert (
        await site.tab.evaluate(
            "document.querySelectorAll('img, td script, td *:not(span):not(button)').length"
        )
        == 0
    )
    assert await site.tab.evaluate("document.title") == "Mock providers"


@pytest.mark.parametrize("width", [1280, 768, 390])
async def test_no_element_exceeds_the_viewport(site: Site, width: int) -> None:
    await site.ask("a-model-whose-name-goes-on-and-on-" * 6)
    await site.shows("last", "goes-on")
    await site.tab.resize(width, 900)
    assert await site.tab.evaluate("document.documentElement.scrollWidth") <= width
    beyond = await site.tab.evaluate(
        "[...document.querySelectorAll('main *')].filter(e => !e.closest('.scroll')"
        " && e.getBoundingClientRect().right > innerWidth + 0.5).map(e => e.tagName + e.id)"
    )
    assert beyond == []


@pytest.mark.parametrize("dark", [False, True])
async def test_the_page_is_painted_in_both_themes(site: Site, dark: bool) -> None:
    await site.tab.open(site.page, dark=dark)
    await site.shows("title", "typical")
    pixels = imread(io.BytesIO(await site.tab.picture()), format="png")[..., :3]
    background = float(pixels[2:6, 2:6].mean())
    assert background < 0.2 if dark else background > 0.9
    assert len(np.unique((pixels * 255).astype(np.uint8).reshape(-1, 3), axis=0)) > 50
