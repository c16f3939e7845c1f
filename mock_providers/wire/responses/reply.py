"""The response object at any stage of its generation.

Sources: `Response` of the openai SDK, and the recorded replies in vercel/ai,
packages/openai/src/responses/__fixtures__.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from ...exchange.request import Problem
from ...plan import Finish, Piece, Plan
from ..dialect import Stamp
from ..openai.reply import service_tier
from .items import Json
from .output import output_of, response_id
from .request import ResponseRequest

Status = Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]
_FINAL: dict[Finish, Status] = {
    "stop": "completed",
    "stop_sequence": "completed",
    "tool_use": "completed",
    "refused": "completed",
    "length": "incomplete",
    "filtered": "incomplete",
    "error": "failed",
}
_INCOMPLETE = {"length": "max_output_tokens", "filtered": "content_filter"}
_FAILED = Problem(
    500, "server_error", "The server had an error while processing your request.", "server_error"
)


class Stage(NamedTuple):
    """How far a response has come: its status, the pieces generated, the error that ended it."""

    status: Status
    pieces: Sequence[Piece] = ()
    problem: Problem | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing follows."""
        return self.status not in ("queued", "in_progress")


def final_stage(plan: Plan) -> Stage:
    """The stage of a response whose plan has been carried out to its regular end."""
    finish = plan.choices[0].finish if plan.choices else "stop"
    status = _FINAL[finish]
    return Stage(status, plan.pieces, _FAILED if status == "failed" else None)


def failed_stage(plan: Plan, problem: Problem) -> Stage:
    """The stage of a response that an error has ended."""
    return Stage("failed", plan.to_send, problem)


def response_object(request: ResponseRequest, plan: Plan, stamp: Stamp, stage: Stage) -> Json:
    """The response."""
    regular = stage.status in ("completed", "incomplete") or stage.problem is _FAILED
    reason = (
        _INCOMPLETE.get(plan.choices[0].finish) if plan.choices and stage.status == "incomplete" else None
    )
    output = output_of(request, plan, stamp, stage.pieces, whole=regular) if stage.pieces or regular else []
    value: Json = {
        "id": response_id(stamp),
        "object": "response",
        "created_at": int(stamp.wall_s),
        "status": stage.status,
        "error": None if stage.problem is None else error_object(stage.problem),
        "incomplete_details": None if reason is None else {"reason": reason},
        "model": stamp.model,
        "output": output,
        **request.settings,
        "service_tier": service_tier(plan) if stage.ended else request.settings.get("service_tier", "auto"),
        "usage": usage_of(plan) if regular else None,
    }
    if stage.status == "completed":
        value["completed_at"] = int(stamp.wall_s + plan.ends_s)
    return value


_ERROR_CODES = ("rate_limit_exceeded", "server_error", "invalid_prompt")


def error_object(problem: Problem) -> Json:
    """`error` of a failed response, whose codes are fewer than those of HTTP errors.

    Source: `ResponseError` of the openai SDK.
    """
    code = problem.code if problem.code in _ERROR_CODES else "server_error"
    return {"code": "rate_limit_exceeded" if problem.status == 429 else code, "message": problem.message}


def usage_of(plan: Plan) -> dict[str, Any]:
    """The `usage` object; cached and cache-written tokens are included in `input_tokens`."""
    output_tokens = plan.output_tokens
    return {
        "input_tokens": plan.input_tokens,
        "input_tokens_details": {
            "cached_tokens": plan.cached_input_tokens,
            "cache_write_tokens": plan.cache_write_tokens,
        },
        "output_tokens": output_tokens,
        "output_tokens_details": {"reasoning_tokens": plan.reasoning_tokens},
        "total_tokens": plan.input_tokens + output_tokens,
    }
