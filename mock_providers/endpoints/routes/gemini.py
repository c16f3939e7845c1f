"""Gemini's routes: its own API, and the OpenAI-compatible one beside it.

Any version (`v1`, `v1beta`, `v1alpha`) leads to the same endpoints: google-genai asks `v1` from its version
3 on.
"""

from functools import partial

from ...profile import Provider
from ...wire.gemini.codec import GeminiCodec
from ...wire.gemini.embeddings import batch_body, one_body, parse_batch, parse_one
from ...wire.gemini.errors import GeminiErrors
from ...wire.gemini.openai_models import model_body, models_body
from ...wire.gemini.reply import count_body
from ...wire.openai.codec import OpenAICodec
from ...wire.openai.embeddings import embeddings_body, parse_embeddings
from ..count_tokens import CountTokens
from ..embeddings import Embeddings
from ..generation import Generation
from ..models import Models, OneModel
from ..routing import Route

_MODEL = "/v1beta/models/{model}"


def gemini_routes(provider: Provider) -> list[Route]:
    """Whole and streamed replies, token counts, embeddings, models; and chat completions as OpenAI has
    them.
    """
    errors = GeminiErrors()
    whole, streamed = GeminiCodec(errors), GeminiCodec(errors, streamed=True)
    return [
        Route("POST", f"{_MODEL}:generateContent", Generation("generate_content", whole)),
        Route("POST", f"{_MODEL}:streamGenerateContent", Generation("generate_content", streamed)),
        Route("POST", f"{_MODEL}:countTokens", CountTokens(whole.parse_count, count_body)),
        Route("POST", f"{_MODEL}:embedContent", Embeddings(parse_one, one_body)),
        Route("POST", f"{_MODEL}:batchEmbedContents", Embeddings(parse_batch, batch_body)),
        Route("GET", "/v1beta/models", Models()),
        Route("GET", _MODEL, OneModel()),
        *_openai_routes(provider, errors),
    ]


def _openai_routes(provider: Provider, errors: GeminiErrors) -> list[Route]:
    """The OpenAI-compatible API; refusals are Gemini's. Source: ai.google.dev/gemini-api/docs/openai."""
    base = "/v1beta/openai"
    codec = OpenAICodec(provider, errors, lenient=True)
    parse = partial(parse_embeddings, errors=errors, lenient=True)
    return [
        Route("POST", f"{base}/chat/completions", Generation("chat.completions", codec)),
        Route("POST", f"{base}/embeddings", Embeddings(parse, embeddings_body)),
        Route("GET", f"{base}/models", Models(models_body)),
        Route("GET", f"{base}/models/{{model*}}", OneModel(model_body)),
    ]
