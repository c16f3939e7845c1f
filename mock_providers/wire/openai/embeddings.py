"""OpenAI's embeddings: requests read, vectors written as numbers or base64."""

import base64
from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np
import orjson

from ...content.embeddings import Vector
from ...errors import Errors
from ...exchange import tokens
from ...exchange.bad_field import BadField
from ...exchange.received import Received
from ...exchange.request import digest_of
from ..dialect import Params, parse_json
from ..embedding_request import EmbeddingRequest
from ..fields import Fields, names

_PARAMETERS = names("model input encoding_format dimensions user")
_NOT_IN_DIGEST = names("model encoding_format user")
_MOST_INPUTS = 2048


def parse_embeddings(
    received: Received, params: Params, *, errors: Errors, lenient: bool = False
) -> EmbeddingRequest:
    """Read an embeddings request; a `lenient` provider ignores unknown fields. Raises Refused."""
    return parse_json(received.body, partial(_read, lenient=lenient), errors)


def _read(body: Any, *, lenient: bool) -> EmbeddingRequest:
    fields = Fields(body)
    if not lenient:
        fields.only(_PARAMETERS)
    texts = [_text(item, ("input", nth)) for nth, item in enumerate(_inputs(fields.require("input")))]
    as_base64 = False
    if fields.present("encoding_format"):
        as_base64 = fields.choice("encoding_format", ("float", "base64")) == "base64"
    return EmbeddingRequest(
        model=fields.text("model"),
        texts=tuple(text for text, _ in texts),
        counts=tuple(count for _, count in texts),
        digest=digest_of(body, _NOT_IN_DIGEST),
        dimensions=fields.at_least("dimensions", 1),
        as_base64=as_base64,
    )


def embeddings_body(
    vectors: Iterable[Vector], request: EmbeddingRequest, model: str, input_tokens: int
) -> bytes:
    """The JSON of the reply; base64 encodes little-endian float32."""
    data = [
        {"object": "embedding", "index": nth, "embedding": _written(vector, request.as_base64)}
        for nth, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": input_tokens, "total_tokens": input_tokens}
    reply = {"object": "list", "data": data, "model": model, "usage": usage}
    return orjson.dumps(reply, option=orjson.OPT_SERIALIZE_NUMPY)


def _written(vector: Vector, as_base64: bool) -> object:
    return (
        base64.b64encode(vector.astype("<f4").tobytes()).decode()
        if as_base64
        else np.ascontiguousarray(vector)
    )


def _inputs(value: Any) -> list[Any]:
    """The inputs as a list: a single text or a single list of token ids is one input."""
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list):
        raise BadField(("input",), "type", "string", value)
    if not value:
        raise BadField(("input",), "unsupported", "input cannot be an empty array.")
    if all(isinstance(item, int) and not isinstance(item, bool) for item in value):
        return [value]
    if len(value) > _MOST_INPUTS:
        raise BadField(("input",), "unsupported", f"array too long, at most {_MOST_INPUTS} inputs are taken.")
    return value


def _text(item: Any, path: tuple[str | int, ...]) -> tuple[str, int]:
    if isinstance(item, str):
        if not item:
            raise BadField(path, "unsupported", "input cannot be an empty string.")
        return item, tokens.count(item)
    if isinstance(item, list) and item and all(type(id_) is int for id_ in item):
        return " ".join(map(str, item)), len(item)
    raise BadField(path, "type", "string", item)
