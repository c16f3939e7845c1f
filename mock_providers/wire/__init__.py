"""The wire protocols: pure codecs between bytes and the package's own Request and Plan."""

from ..profile import Provider
from .anthropic.dialect import AnthropicDialect
from .dialect import Dialect
from .gemini.dialect import GeminiDialect
from .openai.dialect import OpenAIDialect
from .together import TogetherDialect


def dialect_of(provider: Provider) -> Dialect:
    """What the endpoints of a provider share, by its protocol."""
    dialects: dict[str, type[OpenAIDialect] | type[AnthropicDialect] | type[GeminiDialect]] = {
        "openai": OpenAIDialect,
        "anthropic": AnthropicDialect,
        "gemini": GeminiDialect,
        "together": TogetherDialect,
    }
    return dialects[provider.protocol](provider)
