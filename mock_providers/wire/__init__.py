"""The wire protocols: pure codecs between bytes and the package's own Request and Plan."""

from ..profile import Provider
from .anthropic.dialect import Anthropic
from .dialect import Dialect
from .gemini.dialect import Gemini
from .openai.dialect import OpenAI
from .together import Together


def dialect_of(provider: Provider) -> Dialect:
    """What the endpoints of a provider share, by its protocol."""
    dialects: dict[str, type[OpenAI] | type[Anthropic] | type[Gemini]] = {
        "openai": OpenAI,
        "anthropic": Anthropic,
        "gemini": Gemini,
        "together": Together,
    }
    return dialects[provider.protocol](provider)
