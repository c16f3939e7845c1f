"""The list of models of Gemini's OpenAI-compatible API, under `/v1beta/openai`.

Source: ai.google.dev/gemini-api/docs/openai#list-models.
"""

from collections.abc import Iterable

import orjson


def models_body(model_ids: Iterable[str]) -> bytes:
    """The JSON of the list of models."""
    return orjson.dumps({"object": "list", "data": [_model(id_) for id_ in model_ids]})


def model_body(model_id: str) -> bytes:
    """The JSON of one model."""
    return orjson.dumps(_model(model_id))


def _model(model_id: str) -> dict[str, object]:
    return {"id": f"models/{model_id}", "object": "model", "owned_by": "google", "display_name": model_id}
