"""OpenAI's API keys, response headers, error bodies and model objects."""

from collections.abc import Iterable

import orjson

from ...exchange.received import Received
from ...exchange.request import Problem
from ...limits.limits import Meter
from ...plan import Plan
from ...profile import Provider
from ..dialect import MODELS_SINCE_S, HeadersOut, Stamp, bearer, should_retry_headers
from ..rate_headers import retry_after_headers, shown_meters, shown_remaining
from .durations import go_duration
from .errors import OpenAIErrors
from .vllm.errors import errors_of, flat_body
from .vllm.server import model_object


class OpenAIDialect:
    """The dialect of one OpenAI-shaped provider."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.errors: OpenAIErrors = errors_of(provider)

    def api_key(self, received: Received) -> str:
        """The bearer token, else (Azure) `api-key`."""
        return bearer(received.headers) or received.header(b"api-key")

    def headers(self, stamp: Stamp, plan: Plan) -> HeadersOut:
        """Request id, processing time and rate limits; on a 429 also `retry-after`."""
        style = self._provider.header_style
        headers = [
            (b"x-request-id", stamp.request_id.encode()),
            (b"openai-organization", self._provider.organization.encode()),
            (b"openai-processing-ms", b"%d" % ((plan.headers_s or 0.0) * 1000)),
            (b"openai-version", b"2020-10-01"),
            *self._limit_headers(
                _skewed(shown_meters(self._provider.header_style, plan.meters), plan.clock_skew_s)
            ),
        ]
        if (problem := plan.problem) is not None:
            headers += retry_after_headers(style, problem.retry_after_s, stamp.wall_s, "seconds_and_ms")
            headers += should_retry_headers(problem)
        return headers

    def _limit_headers(self, meters: tuple[Meter, ...]) -> HeadersOut:
        headers = []
        for meter in meters:
            name = b"requests" if meter.name == "requests" else b"tokens"
            headers.append((b"x-ratelimit-limit-" + name, b"%d" % meter.limit))
            headers.append((b"x-ratelimit-remaining-" + name, b"%d" % shown_remaining(meter)))
            headers.append((b"x-ratelimit-reset-" + name, go_duration(max(0.0, meter.until_full_s)).encode()))
        return headers

    def error_body(self, problem: Problem, request_id: str) -> bytes:
        """The JSON of an error."""
        if self._provider.server == "vllm":
            return flat_body(problem)
        error = {
            "message": problem.message,
            "type": problem.type,
            "param": problem.param,
            "code": problem.code,
        }
        return orjson.dumps({"error": error})

    def error_event(self, problem: Problem, request_id: str) -> bytes:
        """The error as a server-sent event."""
        return b"data: %s\n\n" % self.error_body(problem, request_id)

    def models_body(self, model_ids: Iterable[str]) -> bytes:
        """The JSON of the list of models."""
        return orjson.dumps({"object": "list", "data": [self._model(id_) for id_ in model_ids]})

    def model_body(self, model_id: str) -> bytes:
        """The JSON of one model."""
        return orjson.dumps(self._model(model_id))

    def _model(self, model_id: str) -> dict[str, object]:
        if self._provider.server == "vllm":
            return model_object(self._provider, model_id)
        return {
            "id": model_id,
            "object": "model",
            "created": MODELS_SINCE_S,
            "owned_by": self._provider.organization,
        }


def _skewed(meters: tuple[Meter, ...], skew_s: float) -> tuple[Meter, ...]:
    """The meters as shown by a provider whose clock is ahead by `skew_s`."""
    if not skew_s:
        return meters
    return tuple(meter._replace(until_full_s=max(0.0, meter.until_full_s + skew_s)) for meter in meters)
