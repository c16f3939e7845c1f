"""Which endpoint a path leads to, by the provider's protocol."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from ..profile import Provider
from ..wire.anthropic.codec import AnthropicCodec
from ..wire.anthropic.errors import AnthropicErrors
from ..wire.anthropic.reply import count_body as anthropic_count_body
from ..wire.dialect import Params
from ..wire.gemini.codec import GeminiCodec
from ..wire.gemini.errors import GeminiErrors
from ..wire.gemini.reply import count_body as gemini_count_body
from ..wire.openai.codec import OpenAICodec
from ..wire.openai.errors import OpenAIErrors
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
from .provider_context import Decision, Exchange, ProviderContext


class Endpoint(Protocol):
    """One thing a provider can be asked; `name` is the ledger's word for it."""

    name: str

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """What happens to a request; raises Refused for one that cannot be read."""
        ...


class Route(NamedTuple):
    """`path` is a template: `{id}` stands for one segment, `{model*}` for the rest, slashes included."""

    method: str
    path: str
    endpoint: Endpoint


class Routes:
    """Finds the route of a request."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._fixed: dict[tuple[str, str], Endpoint] = {}
        self._templates: list[tuple[str, re.Pattern[str], Endpoint]] = []
        for method, path, endpoint in routes:
            if "{" in path:
                self._templates.append((method, _pattern(path), endpoint))
            else:
                self._fixed[method, path] = endpoint
        self._paths = frozenset(path for _, path in self._fixed)

    def find(self, method: str, path: str) -> tuple[Endpoint, Params] | None:
        """The endpoint and the variable parts of its path; None when nothing is there for this method."""
        if endpoint := self._fixed.get((method, path)):
            return endpoint, {}
        for known, pattern, endpoint in self._templates:
            if known == method and (match := pattern.fullmatch(path)):
                return endpoint, match.groupdict()
        return None

    def knows(self, path: str) -> bool:
        """Whether anything is there for any method."""
        return path in self._paths or any(pattern.fullmatch(path) for _, pattern, _ in self._templates)


def routes_of(provider: Provider) -> Routes:
    """The routes of a provider."""
    models = [Route("GET", "/v1/models", Models()), Route("GET", "/v1/models/{model*}", OneModel())]
    match provider.protocol:
        case "anthropic":
            codec = AnthropicCodec(AnthropicErrors())
            messages = Generation("messages", codec)
            counting = CountTokens(codec.parse_count, anthropic_count_body)
            return Routes(
                [
                    Route("POST", "/v1/messages", messages),
                    Route("POST", "/v1/messages/count_tokens", counting),
                    *anthropic_batch_routes(messages),
                    *models,
                ]
            )
        case "gemini":
            return Routes(gemini_routes())
        case "openai" | "together":
            return Routes([*_openai_routes(provider), *models])


def _openai_routes(provider: Provider) -> list[Route]:
    """Chat completions and embeddings, at OpenAI also in batches."""
    errors, lenient = OpenAIErrors(provider.organization), provider.protocol == "together"
    answering: dict[str, Endpoint] = {
        "/v1/chat/completions": Generation(
            "chat.completions", OpenAICodec(provider, errors, lenient=lenient)
        ),
        "/v1/embeddings": Embeddings(errors, lenient=lenient),
    }
    live = [Route("POST", path, endpoint) for path, endpoint in answering.items()]
    return live if lenient else [*live, *openai_batch_routes(answering)]


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


def gemini_routes() -> list[Route]:
    """Replies whole and streamed, counts, models."""
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


def _pattern(template: str) -> re.Pattern[str]:
    escaped = re.sub(r"\\\{(\w+)(\\\*)?\\\}", _group, re.escape(template))
    return re.compile(escaped)


def _group(match: re.Match[str]) -> str:
    return f"(?P<{match[1]}>{'.+' if match[2] else '[^/:]+'})"
