"""The providers that the stack speaks to: their codecs, their batches, and where they are."""

from collections.abc import Mapping
from typing import Literal

from ..batch.anthropic import AnthropicBatches
from ..batch.openai import OpenAIBatches
from ..wire.anthropic import AnthropicCodec
from ..wire.codec import Codec
from ..wire.openai import OpenAICodec
from .send import Endpoint

ProviderName = Literal["openai", "anthropic", "together"]

CODECS: dict[ProviderName, Codec] = {
    "openai": OpenAICodec(),
    "anthropic": AnthropicCodec(),
    "together": OpenAICodec(),
}

BATCHES: dict[ProviderName, type[OpenAIBatches] | type[AnthropicBatches]] = {
    "openai": OpenAIBatches,
    "anthropic": AnthropicBatches,
}

PUBLIC_URLS: dict[ProviderName, str] = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "together": "https://api.together.xyz/v1",
}


def endpoints_from(env: Mapping[str, str]) -> dict[str, Endpoint]:
    """Each provider's address and key as SDKs read them: `OPENAI_BASE_URL`, `OPENAI_API_KEY` and so on.

    `OPENAI_API_KEY_B` is the key that stacks call "b".
    """
    return {
        name: Endpoint(
            base_url=env.get(f"{name.upper()}_BASE_URL", url).rstrip("/"),
            api_key=env.get(f"{name.upper()}_API_KEY", ""),
            keys=_named(env, f"{name.upper()}_API_KEY_"),
        )
        for name, url in PUBLIC_URLS.items()
    }


def _named(env: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix).lower(): env[name] for name in env if name.startswith(prefix)}
