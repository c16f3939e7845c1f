"""A reply in JSON: an instance of the client's schema that contains the answer.

Everything besides the answer depends on the schema and the prompt alone, not on the model. So a reply begun
by one provider can be continued by another, and the whole is valid JSON.
"""

import random
from collections.abc import Mapping
from typing import Any

import orjson

from ..exchange.draws import Draws
from ..exchange.request import Request, digest_of_bytes
from ..exchange.tokens import CHARS_PER_TOKEN
from .json_values import instance
from .prose import plain_prose

__all__ = ["contains_sentence", "is_open", "json_reply"]

_OPEN_KEY = "answer"


def is_open(schema: Mapping[str, Any]) -> bool:
    """Whether the schema allows any object, so that the reply can have any length."""
    return not (schema.keys() - {"type", "additionalProperties", "title", "description", "$schema"}) and (
        schema.get("type", "object") == "object" and schema.get("additionalProperties") is not False
    )


def json_reply(request: Request, schema: Mapping[str, Any], sentence: str, length: int) -> str:
    """The whole text. `sentence` is the first free text in it; an open object has about `length` tokens."""
    rng = _rng_of(request, schema)
    if not is_open(schema):
        return orjson.dumps(instance(schema, rng, sentence)).decode()
    around = len(f'{{"{_OPEN_KEY}":""}}')
    room = max(0, length * CHARS_PER_TOKEN - around - len(sentence) - 1)
    prose = plain_prose()
    more = prose.slice(prose.start(rng.random()), room)
    return orjson.dumps({_OPEN_KEY: f"{sentence} {more}" if sentence and more else sentence or more}).decode()


def contains_sentence(text: str, sentence: str) -> bool:
    """Whether the reply contains the sentence."""
    return orjson.dumps(sentence).decode()[1:-1] in text


def _rng_of(request: Request, schema: Mapping[str, Any]) -> random.Random:
    """The generator of everything besides the answer."""
    raw = orjson.dumps(schema, option=orjson.OPT_SORT_KEYS)
    return Draws(0).rng("json", digest_of_bytes(raw), request.last_user_text)
