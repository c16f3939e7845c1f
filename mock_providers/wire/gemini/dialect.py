"""Gemini's API keys, response headers, error bodies and model objects."""

from collections.abc import Iterable

import orjson

from ...exchange.received import Received
from ...exchange.request import Problem
from ...plan import Plan
from ...profile import Provider
from ..dialect import HeadersOut, Stamp, bearer
from ..rate_headers import retry_after_headers
from .errors import GeminiErrors, error_details


class GeminiDialect:
    """The dialect of one Gemini-shaped provider."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.errors = GeminiErrors()

    def api_key(self, received: Received) -> str:
        """`x-goog-api-key`, else the `key` of the query, else (OpenAI-compatible API) the bearer token."""
        key = received.header(b"x-goog-api-key") or received.query.get("key", "")
        return key or bearer(received.headers)

    def headers(self, stamp: Stamp, plan: Plan) -> HeadersOut:
        """`server-timing`. No header shows limits; the time to wait is in the error body."""
        headers = [(b"server-timing", b"gfet4t7; dur=%d" % ((plan.headers_s or 0.0) * 1000))]
        if (problem := plan.problem) is not None:
            style = self._provider.header_style
            headers += retry_after_headers(style, problem.retry_after_s, stamp.wall_s, "none")
        return headers

    def error_body(self, problem: Problem, request_id: str) -> bytes:
        """The JSON of an error."""
        error: dict[str, object] = {
            "code": problem.status,
            "message": problem.message,
            "status": problem.type,
        }
        if details := error_details(problem):
            error["details"] = details
        return orjson.dumps({"error": error})

    def error_event(self, problem: Problem, request_id: str) -> bytes:
        """The error as a server-sent event."""
        return b"data: %s\r\n\r\n" % self.error_body(problem, request_id)

    def models_body(self, model_ids: Iterable[str]) -> bytes:
        """The JSON of the list of models, in one page."""
        return orjson.dumps({"models": [self._model(id_) for id_ in model_ids]})

    def model_body(self, model_id: str) -> bytes:
        """The JSON of one model."""
        return orjson.dumps(self._model(model_id))

    def _model(self, model_id: str) -> dict[str, object]:
        about: dict[str, object] = {"name": f"models/{model_id}", "version": "001", "displayName": model_id}
        if model := self._provider.models.get(model_id):
            about["inputTokenLimit"] = model.context_window
            about["outputTokenLimit"] = model.max_output_tokens
            about["supportedGenerationMethods"] = ["generateContent", "countTokens"]
        if embedding := self._provider.embeddings.get(model_id):
            about["inputTokenLimit"] = embedding.max_input_tokens
            about["outputTokenLimit"] = 1
            about["supportedGenerationMethods"] = ["embedContent", "countTextTokens"]
        return about
