"""The providers' wire protocols: pure codecs between bytes and the package's Request, Plan and Problem.

Start with `dialect.py`, the interfaces that every protocol implements. The folders of the protocols have the
same files: `dialect` (keys, headers, models), `errors`, and `codec`, which joins `request`, `prompt`, `tools`
(reading) to `reply` and `frames` (writing). Together is OpenAI's protocol with other rate limit headers.
"""

from ..profile import Provider
from .anthropic.dialect import AnthropicDialect
from .dialect import Dialect
from .gemini.dialect import GeminiDialect
from .openai.dialect import OpenAIDialect
from .together import TogetherDialect


def dialect_of(provider: Provider) -> Dialect:
    """The dialect of the provider's protocol."""
    dialects: dict[str, type[OpenAIDialect] | type[AnthropicDialect] | type[GeminiDialect]] = {
        "openai": OpenAIDialect,
        "anthropic": AnthropicDialect,
        "gemini": GeminiDialect,
        "together": TogetherDialect,
    }
    return dialects[provider.protocol](provider)
