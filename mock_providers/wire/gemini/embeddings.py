"""Gemini's embeddings: embedContent for one text, batchEmbedContents for several.

Source: ai.google.dev/api/embeddings.
"""

from collections.abc import Iterable
from functools import partial

import numpy as np
import orjson

from ...content.embeddings import Vector
from ...exchange import tokens
from ...exchange.bad_field import BadField, Path
from ...exchange.received import Received
from ...exchange.request import digest_of_bytes
from ..dialect import Params, parse_json
from ..embedding_request import EmbeddingRequest
from ..fields import names
from .camel_fields import CamelFields
from .errors import GeminiErrors
from .prompt import read_parts

_PARAMETERS = names("content embedContentConfig model outputDimensionality taskType title")
_BATCH = names("batch model requests")
_MOST_REQUESTS = 100


def parse_one(received: Received, params: Params) -> EmbeddingRequest:
    """Read an embedContent request; raises Refused."""
    return parse_json(received.body, partial(_read_one, model=params["model"]), GeminiErrors())


def parse_batch(received: Received, params: Params) -> EmbeddingRequest:
    """Read a batchEmbedContents request; raises Refused."""
    return parse_json(received.body, partial(_read_batch, model=params["model"]), GeminiErrors())


def one_body(vectors: Iterable[Vector], request: EmbeddingRequest, model: str, input_tokens: int) -> bytes:
    """The JSON of the reply to embedContent."""
    [vector] = vectors
    return _written({"embedding": _values(vector)}, input_tokens)


def batch_body(vectors: Iterable[Vector], request: EmbeddingRequest, model: str, input_tokens: int) -> bytes:
    """The JSON of the reply to batchEmbedContents."""
    return _written({"embeddings": [_values(vector) for vector in vectors]}, input_tokens)


def _values(vector: Vector) -> dict[str, object]:
    return {"values": np.ascontiguousarray(vector)}


def _written(reply: dict[str, object], input_tokens: int) -> bytes:
    usage = {"promptTokenCount": input_tokens, "totalTokenCount": input_tokens}
    return orjson.dumps({**reply, "usageMetadata": usage}, option=orjson.OPT_SERIALIZE_NUMPY)


def _read_one(body: object, model: str) -> EmbeddingRequest:
    text, dimensions = _text(CamelFields(body))
    return _request(model, (text,), dimensions)


def _read_batch(body: object, model: str) -> EmbeddingRequest:
    fields = CamelFields(body)
    fields.only(_BATCH)
    items = fields.items("requests")
    if not 1 <= len(items) <= _MOST_REQUESTS:
        complaint = f"at least one and at most {_MOST_REQUESTS} requests can be in one batch"
        raise BadField(("requests",), "unsupported", complaint)
    read = [_text(CamelFields(item, ("requests", nth)), ("requests", nth)) for nth, item in enumerate(items)]
    if len({dimensions for _, dimensions in read}) > 1:
        complaint = "must be the same in all requests of a batch"
        raise BadField(("requests", "outputDimensionality"), "unsupported", complaint)
    return _request(model, tuple(text for text, _ in read), read[0][1])


def _text(fields: CamelFields, path: Path = ()) -> tuple[str, int | None]:
    """The text of one request, and the dimensions that it asks for."""
    fields.only(_PARAMETERS)
    fields.require("content")
    parts, _ = read_parts(fields.inner("content"), (*path, "content"))
    dimensions = fields.at_least("outputDimensionality", 1)
    config = fields.inner("embedContentConfig")
    return "\n".join(part.text for part in parts), config.at_least("outputDimensionality", 1) or dimensions


def _request(model: str, texts: tuple[str, ...], dimensions: int | None) -> EmbeddingRequest:
    digest = digest_of_bytes(orjson.dumps([texts, dimensions]))
    return EmbeddingRequest(model, texts, tuple(map(tokens.count, texts)), digest, dimensions)
