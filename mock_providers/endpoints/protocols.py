"""The wire protocols that a provider can speak, one entry each in PROTOCOLS.

To add a protocol, add its codecs under `wire/`, its name to `exchange.names.ProtocolName`, and an entry here.
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import NamedTuple

from ..exchange.names import ProtocolName
from ..profile import Provider
from ..wire.anthropic.codec import AnthropicCodec
from ..wire.anthropic.dialect import AnthropicDialect
from ..wire.anthropic.errors import AnthropicErrors
from ..wire.anthropic.reply import count_body as anthropic_count_body
from ..wire.dialect import Dialect
from ..wire.gemini.dialect import GeminiDialect
from ..wire.openai.codec import OpenAICodec
from ..wire.openai.dialect import OpenAIDialect
from ..wire.openai.embeddings import embeddings_body, parse_embeddings
from ..wire.openai.errors import OpenAIErrors
from ..wire.openai.styles.completions import CompletionsCodec
from ..wire.openai.vllm.errors import errors_of
from ..wire.together import TogetherDialect, TogetherErrors
from . import anthropic_batches, files, openai_batches
from .count_tokens import CountTokens
from .embeddings import Embeddings
from .generation import Generation
from .messages import files as message_files
from .messages.threaded import ThreadedMessages
from .models import Models, OneModel
from .operations import Operation
from .routes.azure import azure_routes
from .routes.gemini import gemini_routes
from .routes.responses import response_routes
from .routes.vllm import vllm_routes
from .routing import VERSIONS, Endpoint, Prefixes, Route

_OCTET_STREAM = b"application/octet-stream"
_JSONL = b"application/x-jsonl"
_OPENAI = Prefixes(VERSIONS | {"api", "openai"})
_ANTHROPIC = Prefixes(VERSIONS | {"api", "anthropic"})


class WireProtocol(NamedTuple):
    """One protocol: its dialect, its routes, the path at the end of an SDK's base URL (default: none), and
    the segments that may come before an endpoint's path.
    """

    dialect: Callable[[Provider], Dialect]
    routes: Callable[[Provider], list[Route]]
    base_path: str = ""
    prefixes: Prefixes = Prefixes()


def _model_routes() -> list[Route]:
    return [Route("GET", "/v1/models", Models()), Route("GET", "/v1/models/{model*}", OneModel())]


def _openai_routes(provider: Provider) -> list[Route]:
    """Chat completions, responses, embeddings, files, batches, models."""
    errors = errors_of(provider)
    responses, routes = response_routes(provider, errors)
    endpoints = _openai_endpoints(provider, errors, lenient=provider.server == "vllm") | {
        "/v1/responses": responses
    }
    return [
        *_posts(endpoints),
        *azure_routes(endpoints),
        *routes,
        *_file_routes(),
        *_openai_batch_routes(endpoints),
        *_model_routes(),
        *vllm_routes(provider),
    ]


def _together_routes(provider: Provider) -> list[Route]:
    """Chat completions, embeddings, models; unknown request fields are accepted."""
    errors = TogetherErrors(provider.organization)
    return [*_posts(_openai_endpoints(provider, errors, lenient=True)), *_model_routes()]


def _openai_endpoints(provider: Provider, errors: OpenAIErrors, *, lenient: bool) -> dict[str, Endpoint]:
    codec = OpenAICodec(provider, errors, lenient=lenient)
    return {
        "/v1/chat/completions": Generation("chat.completions", codec),
        "/v1/completions": Generation("completions", CompletionsCodec(provider, errors, lenient=lenient)),
        "/v1/embeddings": Embeddings(
            partial(parse_embeddings, errors=errors, lenient=lenient), embeddings_body
        ),
    }


def _posts(endpoints: Mapping[str, Endpoint]) -> list[Route]:
    return [Route("POST", path, endpoint) for path, endpoint in endpoints.items()]


def _file_routes(files: ModuleType = files) -> list[Route]:
    """`files`: the module whose functions do the work (default: OpenAI's)."""
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


def _anthropic_routes(provider: Provider) -> list[Route]:
    """Messages, token counts, message batches, models."""
    codec = AnthropicCodec(AnthropicErrors())
    messages = ThreadedMessages("messages", codec)
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
        *_file_routes(message_files),
        *_model_routes(),
    ]


PROTOCOLS: Mapping[ProtocolName, WireProtocol] = {
    "openai": WireProtocol(OpenAIDialect, _openai_routes, "/v1", _OPENAI),
    "anthropic": WireProtocol(AnthropicDialect, _anthropic_routes, prefixes=_ANTHROPIC),
    "gemini": WireProtocol(GeminiDialect, gemini_routes, prefixes=Prefixes(kept="openai")),
    "together": WireProtocol(TogetherDialect, _together_routes, "/v1", _OPENAI),
}
