"""The wire protocols: pure codecs between bytes and the package's own Request and Plan."""

from ..profile import Provider
from .anthropic import Anthropic
from .dialect import Dialect
from .openai import OpenAI
from .together import Together

_DIALECTS: dict[str, type[OpenAI] | type[Anthropic]] = {
    "openai": OpenAI,
    "anthropic": Anthropic,
    "together": Together,
}


def dialect_of(provider: Provider) -> Dialect:
    """The codec for a provider's protocol."""
    return _DIALECTS[provider.protocol](provider)
