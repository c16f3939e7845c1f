"""The routes of a provider, by its protocol."""

from collections.abc import Mapping
from functools import partial

from ..profile import Provider
from ..wire.anthropic.codec import AnthropicCodec
from ..wire.anthropic.errors import AnthropicErrors
from ..wire.anthropic.reply import count_body as anthropic_count_body
from ..wire.gemini.codec import GeminiCodec
from ..wire.gemini.errors import GeminiErrors
from ..wire.gemini.reply import count_body as gemini_count_body
from ..wire.openai.codec import OpenAICodec
from ..wire.openai.errors import OpenAIErrors
from . import anthropic_batches, files, openai_batches
from .count_tokens import CountTokens
from .embeddings import Embeddings
from .generation import Generation
from .models import Models, OneModel
from .operations import Operation
from .routing import Endpoint, Route, Routes

_OCTET_STREAM = b"application/octet-stream"
_JSONL = b"application/x-jsonl"


def routes_of(provider: Provider) -> Routes:
    """The routes of a provider, by its protocol."""
    match provider.protocol:
        case "anthropic":
            return Routes([*_anthropic_routes(), *_model_routes()])
        case "gemini":
            return Routes(_gemini_routes())
        case "openai" | "together":
            return Routes([*_openai_routes(provider), *_model_routes()])


def _model_routes() -> list[Route]:
    return [Route("GET", "/v1/models", Models()), Route("GET", "/v1/models/{model*}", OneModel())]


def _openai_routes(provider: Provider) -> list[Route]:
    """Chat completions and embeddings; OpenAI also has files and batches, Together has not."""
    errors, lenient = OpenAIErrors(provider.organization), provider.protocol == "together"
    codec = OpenAICodec(provider, errors, lenient=lenient)
    endpoints: dict[str, Endpoint] = {
        "/v1/chat/completions": Generation("chat.completions", codec),
        "/v1/embeddings": Embeddings(errors, lenient=lenient),
    }
    live = [Route("POST", path, endpoint) for path, endpoint in endpoints.items()]
    return live if lenient else [*live, *_file_routes(), *_openai_batch_routes(endpoints)]


def _file_routes() -> list[Route]:
    return [
        Route("POST", "/v1/files", Operation("files", files.upload)),
        Route("GET", "/v1/files", Operation("files", files.list_page)),
        Route("GET", "/v1/files/{id}", Operation("files", files.retrieve)),
        Route("DELETE", "/v1/files/{id}", Operation("files", files.delete)),
        Route("GET", "/v1/files/{id}/content", Operation("files", files.content, _OCTET_STREAM)),
    ]


def _openai_batch_routes(endpoints: Mapping[str, Endpoint]) -> list[Route]:
    """`endpoints`: those whose requests may come in a batch, by path."""
    create = partial(openai_batches.create, endpoints=endpoints)
    return [
        Route("POST", "/v1/batches", Operation("batches", create)),
        Route("GET", "/v1/batches", Operation("batches", openai_batches.list_page)),
        Route("GET", "/v1/batches/{id}", Operation("batches", openai_batches.retrieve)),
        Route("POST", "/v1/batches/{id}/cancel", Operation("batches", openai_batches.cancel)),
    ]


def _gemini_routes() -> list[Route]:
    """Whole and streamed replies, token counts, models."""
    model = "/v1beta/models/{model}"
    whole = GeminiCodec(GeminiErrors())
    streamed = GeminiCodec(GeminiErrors(), streamed=True)
    counting = CountTokens(whole.parse_count, gemini_count_body)
    return [
        Route("POST", f"{model}:generateContent", Generation("generate_content", whole)),
        Route("POST", f"{model}:streamGenerateContent", Generation("generate_content", streamed)),
        Route("POST", f"{model}:countTokens", counting),
        Route("GET", "/v1beta/models", Models()),
        Route("GET", model, OneModel()),
    ]


def _anthropic_routes() -> list[Route]:
    """Messages, token counts, message batches."""
    codec = AnthropicCodec(AnthropicErrors())
    messages = Generation("messages", codec)
    batches = "/v1/messages/batches"
    create = partial(anthropic_batches.create, messages=messages)
    return [
        Route("POST", "/v1/messages", messages),
        Route("POST", "/v1/messages/count_tokens", CountTokens(codec.parse_count, anthropic_count_body)),
        Route("POST", batches, Operation("batches", create)),
        Route("GET", batches, Operation("batches", anthropic_batches.list_page)),
        Route("GET", f"{batches}/{{id}}", Operation("batches", anthropic_batches.retrieve)),
        Route("DELETE", f"{batches}/{{id}}", Operation("batches", anthropic_batches.delete)),
        Route("POST", f"{batches}/{{id}}/cancel", Operation("batches", anthropic_batches.cancel)),
        Route("GET", f"{batches}/{{id}}/results", Operation("batches", anthropic_batches.results, _JSONL)),
    ]
