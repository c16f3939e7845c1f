"""Mock providers for tests: one model each, priced as the stack's own price list prices it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from harness.stack.upstream.endpoint import Endpoint
from harness.world.serving import serve_provider
from mock_providers import MockApp, Profile, make_profile

MODELS = {
    "openai": "gpt-4o",
    "anthropic": "claude-sonnet-4-5",
    "together": "meta-llama/Llama-3-70b-chat-hf",
    "gemini": "gemini-2.5-flash",
}
PRICES = {
    "openai": ("2.50", "10"),
    "anthropic": ("3", "15"),
    "together": ("0.90", "0.90"),
    "gemini": ("0.30", "2.50"),
}
"""Dollars per million tokens: input, output."""
NUSD = {"openai": (2_500, 10_000), "anthropic": (3_000, 15_000), "together": (900, 900)}
"""Nano-dollars per token: input, output; half the input price for tokens read from OpenAI's cache."""
CHAIN_PROVIDERS = ("openai", "anthropic", "together")
"""The providers whose protocol the stack speaks, in the order of the tests' chains."""

_MODEL: dict[str, Any] = {
    "tier": "balanced",
    "accuracy": {"easy": 1.0, "medium": 0.5, "hard": 0.0},
    "context_window": 16_000,
    "max_output_tokens": 8_000,
}


def profile_of(
    model: Mapping[str, Any],
    *,
    names: Sequence[str] = CHAIN_PROVIDERS,
    models: Mapping[str, Mapping[str, Any]] | None = None,
    providers: Mapping[str, Mapping[str, Any]] | None = None,
    **table: Any,
) -> Profile:
    """A profile of these providers.

    model      tables of every model: at least `ttft` and `pace`
    models     changes to the model of one provider, by the provider's name
    providers  further keys of one provider, such as `batch`, by its name
    table      keys of the profile itself
    """

    def one(name: str) -> dict[str, Any]:
        price = dict(zip(("input", "output"), PRICES[name], strict=True))
        merged = {**_MODEL, "price": price, **model, **(models or {}).get(name, {})}
        return {"protocol": name, **(providers or {}).get(name, {}), "models": {MODELS[name]: merged}}

    return make_profile(
        {"name": "test", "title": "test", "providers": {name: one(name) for name in names}, **table}
    )


@asynccontextmanager
async def open_providers(
    app: MockApp, keys: Mapping[str, str] | None = None
) -> AsyncIterator[dict[str, Endpoint]]:
    """Serve every provider of the profile on the network of the running loop; t = 0 of the ledger is now.

    Yields the endpoint of each provider, with `keys` as its named keys.
    """
    async with AsyncExitStack() as served:
        endpoints = {
            name: await served.enter_async_context(serve_provider(app, name, dict(keys or {})))
            for name in app.profile.providers
        }
        app.start()
        yield endpoints
