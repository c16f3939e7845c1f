"""Where the providers are reached, and with which API keys."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ProviderName = Literal["openai", "anthropic", "together"]

PUBLIC_URLS: dict[ProviderName, str] = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "together": "https://api.together.xyz/v1",
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A provider's base URL and API key; `keys` are further API keys, by name."""

    base_url: str
    api_key: str = field(repr=False)
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)


def endpoints_from(env: Mapping[str, str]) -> dict[str, Endpoint]:
    """Each provider's endpoint from the variables that SDKs read: `OPENAI_BASE_URL`, `OPENAI_API_KEY` etc.

    `OPENAI_API_KEY_B` is the key that stacks call "b".
    """
    return {
        name: Endpoint(
            base_url=env.get(f"{name.upper()}_BASE_URL", url).rstrip("/"),
            api_key=env.get(f"{name.upper()}_API_KEY", ""),
            keys=_named_keys(env, f"{name.upper()}_API_KEY_"),
        )
        for name, url in PUBLIC_URLS.items()
    }


def _named_keys(env: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix).lower(): env[name] for name in env if name.startswith(prefix)}
