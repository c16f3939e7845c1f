"""The wire protocols that a provider can speak: one entry each, everything else is found through it.

To add a protocol, add its codecs under `wire/`, its name to `exchange.names.ProtocolName`, and an entry here.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ..exchange.names import ProtocolName
from ..profile import Provider
from ..wire.anthropic.dialect import Anthropic
from ..wire.anthropic.errors import AnthropicErrors
from ..wire.anthropic.messages import AnthropicMessages, count_body
from ..wire.dialect import Dialect
from ..wire.gemini.content import GeminiContent, counted_body
from ..wire.gemini.dialect import Gemini
from ..wire.gemini.errors import GeminiErrors
from ..wire.openai.chat import OpenAIChat
from ..wire.openai.dialect import OpenAI
from ..wire.openai.errors import OpenAIErrors
from ..wire.together import Together
from .anthropic_batches import (
    CancelMessageBatch,
    CreateMessageBatch,
    DeleteMessageBatch,
    ListMessageBatches,
    MessageBatchResults,
    OneMessageBatch,
)
from .count_tokens import CountTokens
from .embeddings import Embeddings
from .files import DeleteFile, FileContent, ListFiles, OneFile, UploadFile
from .generation import Generation
from .models import Models, OneModel
from .openai_batches import CancelBatch, CreateBatch, ListBatches, OneBatch
from .routes import Endpoint, Route


class WireProtocol(NamedTuple):
    """One protocol: its headers and errors, its routes, and the path that an SDK's base URL ends with."""

    dialect: Callable[[Provider], Dialect]
    routes: Callable[[Provider], list[Route]]
    base_path: str = ""


def openai_routes(provider: Provider) -> list[Route]:
    """Chat completions, embeddings, models, and batches of the first two."""
    answering = _live_openai(provider, lenient=False)
    return [*_posts(answering), *openai_batch_routes(answering), *_model_routes()]


def together_routes(provider: Provider) -> list[Route]:
    """Those of OpenAI without batches; unknown request fields are accepted."""
    return [*_posts(_live_openai(provider, lenient=True)), *_model_routes()]


def anthropic_routes(provider: Provider) -> list[Route]:
    """Messages, token counts, models, and batches of messages."""
    codec = AnthropicMessages(AnthropicErrors())
    messages = Generation("messages", codec)
    counting = CountTokens(codec.parse_counted, count_body)
    return [
        Route("POST", "/v1/messages", messages),
        Route("POST", "/v1/messages/count_tokens", counting),
        *anthropic_batch_routes(messages),
        *_model_routes(),
    ]


def gemini_routes(provider: Provider) -> list[Route]:
    """Replies whole and streamed, counts, models."""
    model = "/v1beta/models/{model}"
    whole = GeminiContent(GeminiErrors())
    streamed = GeminiContent(GeminiErrors(), streamed=True)
    counting = CountTokens(whole.parse_counted, counted_body)
    return [
        Route("POST", f"{model}:generateContent", Generation("generate_content", whole)),
        Route("POST", f"{model}:streamGenerateContent", Generation("generate_content", streamed)),
        Route("POST", f"{model}:countTokens", counting),
        Route("GET", "/v1beta/models", Models()),
        Route("GET", model, OneModel()),
    ]


def openai_batch_routes(answering: Mapping[str, Endpoint]) -> list[Route]:
    """Files and batches; `answering`: the endpoints whose requests may come in a batch, by their paths."""
    return [
        Route("POST", "/v1/files", UploadFile()),
        Route("GET", "/v1/files", ListFiles()),
        Route("GET", "/v1/files/{id}", OneFile()),
        Route("DELETE", "/v1/files/{id}", DeleteFile()),
        Route("GET", "/v1/files/{id}/content", FileContent()),
        Route("POST", "/v1/batches", CreateBatch(answering)),
        Route("GET", "/v1/batches", ListBatches()),
        Route("GET", "/v1/batches/{id}", OneBatch()),
        Route("POST", "/v1/batches/{id}/cancel", CancelBatch()),
    ]


def anthropic_batch_routes(messages: Endpoint) -> list[Route]:
    """Message batches, whose items `messages` answers."""
    return [
        Route("POST", "/v1/messages/batches", CreateMessageBatch(messages)),
        Route("GET", "/v1/messages/batches", ListMessageBatches()),
        Route("GET", "/v1/messages/batches/{id}", OneMessageBatch()),
        Route("DELETE", "/v1/messages/batches/{id}", DeleteMessageBatch()),
        Route("POST", "/v1/messages/batches/{id}/cancel", CancelMessageBatch()),
        Route("GET", "/v1/messages/batches/{id}/results", MessageBatchResults()),
    ]


def _live_openai(provider: Provider, *, lenient: bool) -> dict[str, Endpoint]:
    errors = OpenAIErrors(provider.organization)
    return {
        "/v1/chat/completions": Generation("chat.completions", OpenAIChat(provider, errors, lenient=lenient)),
        "/v1/embeddings": Embeddings(errors, lenient=lenient),
    }


def _posts(endpoints: Mapping[str, Endpoint]) -> list[Route]:
    return [Route("POST", path, endpoint) for path, endpoint in endpoints.items()]


def _model_routes() -> list[Route]:
    return [Route("GET", "/v1/models", Models()), Route("GET", "/v1/models/{model*}", OneModel())]


PROTOCOLS: Mapping[ProtocolName, WireProtocol] = {
    "openai": WireProtocol(OpenAI, openai_routes, "/v1"),
    "anthropic": WireProtocol(Anthropic, anthropic_routes),
    "gemini": WireProtocol(Gemini, gemini_routes),
    "together": WireProtocol(Together, together_routes, "/v1"),
}
