"""Both worlds give each provider the base URL that its SDK takes."""

import asyncio

from harness.virtual import run_virtual
from harness.world.serving import serve_provider
from mock_providers import MockApp, load_profile, serve

SUFFIX = {"openai": "/v1", "anthropic": "", "together": "/v1", "gemini": ""}
PROFILE = load_profile("unpaced")


async def virtual_urls() -> dict[str, str]:
    app, urls = MockApp(PROFILE), {}
    for name in PROFILE.providers:
        async with serve_provider(app, name, {}) as endpoint:
            urls[name] = endpoint.base_url
    return urls


async def real_urls() -> dict[str, str]:
    found: dict[str, str] = {}
    stop = asyncio.Event()
    stop.set()
    await serve(MockApp(PROFILE), on_ready=found.update, stop=stop)
    del found["admin"]
    return found


def test_the_virtual_and_the_real_world_agree() -> None:
    for urls in (run_virtual(virtual_urls()), asyncio.run(real_urls())):
        assert {name: url.split("/", 3)[3:] for name, url in urls.items()} == {
            name: [suffix[1:]] if suffix else [] for name, suffix in SUFFIX.items()
        }
