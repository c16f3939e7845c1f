"""Anthropic's API keys (both header generations), response headers, error bodies and model objects."""

import math
from collections.abc import Iterable
from datetime import UTC, datetime

import orjson

from ...exchange.received import Received
from ...exchange.request import Problem
from ...limits.limits import Meter
from ...plan import Plan
from ...profile import Provider
from ..dialect import MODELS_SINCE_S, HeadersOut, Stamp, bearer, should_retry_headers
from ..rate_headers import retry_after_headers, shown_meters, shown_remaining
from .errors import AnthropicErrors


class AnthropicDialect:
    """The dialect of one Anthropic-shaped provider."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.errors = AnthropicErrors()

    def api_key(self, received: Received) -> str:
        """`x-api-key`, else the bearer token."""
        return received.header(b"x-api-key") or bearer(received.headers)

    def headers(self, stamp: Stamp, plan: Plan) -> HeadersOut:
        """Request id and rate limits; on a 429 also `retry-after`."""
        headers = [
            (b"request-id", stamp.request_id.encode()),
            (b"anthropic-organization-id", self._provider.organization.encode()),
        ]
        style = self._provider.header_style
        by_name: dict[str, Meter] = {meter.name: meter for meter in shown_meters(style, plan.meters)}
        if tightest := _tightest(by_name):
            by_name["tokens"] = tightest
        for name in ("requests", "tokens", "input_tokens", "output_tokens"):
            if name in by_name:
                headers += _meter_headers(name, by_name[name], stamp.wall_s + plan.clock_skew_s)
        if (problem := plan.problem) is not None:
            headers += retry_after_headers(style, problem.retry_after_s, stamp.wall_s)
            headers += should_retry_headers(problem)
        return headers

    def error_body(self, problem: Problem, request_id: str) -> bytes:
        """The JSON of an error."""
        error: dict[str, object] = {"type": problem.type, "message": problem.message}
        if problem.details is not None:
            error["details"] = problem.details
        return orjson.dumps({"type": "error", "error": error, "request_id": request_id})

    def error_event(self, problem: Problem, request_id: str) -> bytes:
        """The error as a server-sent event."""
        return b"event: error\ndata: %s\n\n" % self.error_body(problem, request_id)

    def models_body(self, model_ids: Iterable[str]) -> bytes:
        """The JSON of the list of models, in one page."""
        models = [self._model(id_) for id_ in model_ids]
        page = {"data": models, "has_more": False, "first_id": models[0]["id"], "last_id": models[-1]["id"]}
        return orjson.dumps(page)

    def model_body(self, model_id: str) -> bytes:
        """The JSON of one model."""
        return orjson.dumps(self._model(model_id))

    def _model(self, model_id: str) -> dict[str, object]:
        since = rfc3339(MODELS_SINCE_S)
        return {"type": "model", "id": model_id, "display_name": model_id, "created_at": since}


def rfc3339(wall_s: float) -> str:
    """A Unix time in UTC, rounded up to a second: `2026-01-01T00:00:00Z`."""
    return datetime.fromtimestamp(math.ceil(wall_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _tightest(meters: dict[str, Meter]) -> Meter | None:
    """The token limit with the smallest share left: the `tokens` headers show it."""
    tokens = [meter for name, meter in meters.items() if name != "requests"]
    return min(tokens, key=lambda meter: meter.remaining / meter.limit, default=None)


def _meter_headers(name: str, meter: Meter, wall_s: float) -> HeadersOut:
    prefix = b"anthropic-ratelimit-" + name.replace("_", "-").encode()
    remaining = shown_remaining(meter)
    if name != "requests" and remaining >= 0:
        remaining = round(remaining, -3)  # documented: token counts are rounded to the nearest thousand
    return [
        (prefix + b"-limit", b"%d" % meter.limit),
        (prefix + b"-remaining", b"%d" % remaining),
        (prefix + b"-reset", rfc3339(wall_s + meter.until_full_s).encode()),
    ]
