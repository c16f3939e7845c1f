"""Kinds C, E and K: whose fault a refusal is, in each provider's own words.

A refusal for the target's reasons (its credit, its window, its model, a parameter it lacks) passes to the
next target; one for the request's reasons does not; load is waited for, what is permanent is not. The
provider's sentence reaches the caller. Sources: mozilla-ai/otari#483, freellmapi#66, litellm#10793,
litellm#27967, everruns#3740 (the opposite mistake).
"""

from typing import Any

import pytest

from harness.stack.core.errors import StackError
from tests.lab.scripted import (
    CLAUDE_START,
    DONE,
    USAGE,
    Script,
    ScriptedLab,
    anthropic_error,
    chunk,
    claude_text,
    data,
    event,
    openai_error,
    play,
    streamed,
    whole,
)

SPENT = "You have reached your specified API usage limits."
NO_PREFILL = "This model does not support assistant message prefill."
NEW_TOKENS = "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097. Given: 9"
GEMINI = "The input token count (9) exceeds the maximum number of tokens allowed (8)."
NO_MAX_TOKENS = "Unsupported parameter: 'max_tokens' is not supported with this model."
CREDIT = "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing."
WINDOW = "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens."
TOO_LARGE = "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 50000."
LIMITED = (
    "Rate limit reached for gpt-4o in organization org-a on tokens per min (TPM): Limit 30000, Used 29000,"
    " Requested 2000. Please try again in 2s."
)
TOO_LONG = (
    "The decoder prompt (length 9000) is longer than the maximum model length of 8192.",
    "'max_tokens' or 'max_completion_tokens' is too large: 9000. This model's maximum context length is 8192",
    "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
    "Requested token count exceeds the model's maximum context length of 8192 tokens.",
    "prompt tokens (9000) exceed model maximum (8192) for openai.gpt-5.5",
    "prompt is too long: 9000 tokens > 8192 maximum",
    "Range of input length should be [1, 8192]",
    "litellm.BadRequestError: litellm.ContextWindowExceededError: The prompt is too long.",
)
TOO_LONG_CLAUDE = ("Input is too long for requested model.",)
NO_MODEL = ("acme/model-1 is not a valid model ID", "Invalid model: model-1")
NO_CREDIT = (
    "Your team 1-2 has either used all available credits or reached its monthly spending limit.",
    "Your newly created team doesn't have any credits yet.",
    "You have run out of credits or need a subscription.",
    "You exceeded your current quota, check your plan.\n* Quota exceeded: requests, limit: 0, model: a",
)
NO_MODEL_TURN = "Please ensure that multiturn requests ends with a user role or a function response."
ANSWER = streamed(chunk("Here."), chunk(None, "stop"), USAGE, DONE)

OF_THE_TARGET: list[tuple[str, str, Script]] = [
    ("quota_exhausted", "anthropic", anthropic_error(400, CREDIT)),
    ("quota_exhausted", "anthropic", anthropic_error(400, SPENT)),
    ("quota_exhausted", "anthropic", anthropic_error(402, "Payment required.", "billing_error")),
    ("quota_exhausted", "openai", openai_error(429, "You exceeded your quota.", code="insufficient_quota")),
    ("quota_exhausted", "openai", openai_error(400, "Hard limit.", code="billing_hard_limit_reached")),
    ("quota_exhausted", "openai", openai_error(402, "Insufficient Balance")),
    (
        "quota_exhausted",
        "openai",
        openai_error(402, "Credit limit exceeded. Please navigate to a page.", type="credit_limit"),
    ),
    ("quota_exhausted", "openai", openai_error(429, "Your prepayment credits are depleted. Please go.")),
    ("not_found", "openai", openai_error(404, "The model `gpt-4o` does not exist", code="model_not_found")),
    ("not_found", "anthropic", anthropic_error(404, "model: claude-sonnet-4-5", "not_found_error")),
    ("not_found", "openai", whole(b"<html>404 Not Found</html>", 404)),
    ("not_found", "openai", whole(b"", 307)),
    ("too_large", "anthropic", anthropic_error(413, "Request exceeds the maximum size", "request_too_large")),
    ("too_large", "openai", whole(b"<html>413 Request Entity Too Large</html>", 413)),
    ("too_large", "openai", openai_error(429, TOO_LARGE, type="tokens", code="rate_limit_exceeded")),
    ("too_large", "openai", openai_error(413, TOO_LARGE, type="tokens", code="rate_limit_exceeded")),
    ("context_length", "openai", openai_error(400, WINDOW, code="context_length_exceeded")),
    ("context_length", "openai", whole({"object": "error", "message": WINDOW, "code": 400}, 400)),
    ("context_length", "openai", whole({"error": {"message": WINDOW, "code": 400}}, 400)),
    ("context_length", "openai", whole({"detail": WINDOW}, 400)),
    ("context_length", "openai", openai_error(422, NEW_TOKENS)),
    ("context_length", "openai", whole([{"error": {"code": 400, "message": GEMINI}}], 400)),
    ("context_length", "anthropic", anthropic_error(400, "prompt is too long: 9 tokens > 8 maximum")),
    (
        "context_length",
        "anthropic",
        anthropic_error(400, "input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000"),
    ),
    ("unsupported", "openai", openai_error(400, NO_MAX_TOKENS, code="unsupported_parameter")),
    ("unsupported", "anthropic", anthropic_error(400, NO_PREFILL)),
    ("unsupported", "openai", openai_error(400, NO_MODEL_TURN)),
    ("auth", "openai", openai_error(400, "API key not valid. Please pass a valid API key.")),
    ("auth", "anthropic", anthropic_error(400, "This organization has been disabled.")),
    ("auth", "openai", openai_error(451, "Not available here.")),
    *(("context_length", "openai", openai_error(400, sentence)) for sentence in TOO_LONG),
    *(("context_length", "anthropic", anthropic_error(400, sentence)) for sentence in TOO_LONG_CLAUDE),
    *(("not_found", "openai", openai_error(400, sentence)) for sentence in NO_MODEL),
    ("not_found", "openai", openai_error(400, "The model is gone.", code="model_decommissioned")),
    *(("quota_exhausted", "openai", openai_error(429, sentence)) for sentence in NO_CREDIT),
    ("quota_exhausted", "openai", openai_error(403, NO_CREDIT[0])),
    ("quota_exhausted", "openai", whole({"code": "Forbidden", "error": NO_CREDIT[1]}, 403)),
    ("quota_exhausted", "openai", openai_error(429, "Suspended.", type="exceeded_current_quota_error")),
    ("quota_exhausted", "openai", openai_error(400, "Access denied, please pay.", code="Arrearage")),
    (
        "unsupported",
        "openai",
        openai_error(400, "max_tokens is too large: 8192. This model supports at most 4096."),
    ),
    (
        "unsupported",
        "anthropic",
        anthropic_error(400, "max_tokens: 64000 > 8192, which is the maximum allowed number"),
    ),
]
AGAIN: list[tuple[str, str, Script]] = [
    ("conflict", "openai", openai_error(409, "Conflict.")),
    ("conflict", "openai", openai_error(425, "Too early.")),
    ("rate_limited", "openai", openai_error(429, NO_CREDIT[3].replace("limit: 0", "limit: 20"))),
    ("rate_limited", "openai", openai_error(429, LIMITED, type="tokens", code="rate_limit_exceeded")),
    (
        "rate_limited",
        "openai",
        openai_error(429, "You have been rate limited. Your rate limit is 60.", type="credit_limit"),
    ),
    ("overloaded", "anthropic", anthropic_error(529, "Overloaded", "overloaded_error")),
]
OF_THE_REQUEST: list[tuple[str, str, Script]] = [
    ("bad_request", "openai", openai_error(400, "Invalid 'messages[0].role'.", param="messages")),
    ("bad_request", "anthropic", anthropic_error(400, f"messages.0: unexpected text '{CREDIT}'")),
    ("bad_request", "openai", openai_error(422, f"Invalid schema: '{TOO_LARGE}'")),
    ("content_filter", "openai", openai_error(400, "The response was filtered.", code="content_filter")),
    ("content_filter", "anthropic", anthropic_error(400, "Output blocked by content filtering policy")),
    ("bad_request", "openai", openai_error(400, f"Invalid value: '{TOO_LONG[0]}'")),
    ("bad_request", "openai", openai_error(400, f"Invalid value: '{NO_CREDIT[0]}'")),
]
RETRY = {"attempts": 3, "base_s": 0.1, "jitter_s": 0.0}


def ids(cases: list[tuple[str, str, Script]]) -> list[str]:
    return [f"{kind} {provider} {script.status} {nth}" for nth, (kind, provider, script) in enumerate(cases)]


@pytest.mark.parametrize(("kind", "provider", "script"), OF_THE_TARGET, ids=ids(OF_THE_TARGET))
@pytest.mark.parametrize("stream", [True, False])
def test_what_is_wrong_with_a_target_passes_to_the_next_one(
    kind: str, provider: str, script: Script, stream: bool
) -> None:
    """Once, without a second try: the target will not change its mind."""

    async def scene(lab: ScriptedLab) -> None:
        assert (await lab.ask()).text == "Here."
        assert lab.path == [("primary", provider, kind), ("fallback", "together", None)]
        assert lab.attempts[0].cost_nusd == 0

    async def alone(lab: ScriptedLab) -> None:
        response = await lab.post(stream=stream)
        error = response.json()["error"]
        assert error["code"] == kind
        body = script.pieces[1]
        if script.content_type == "application/json":
            assert isinstance(body, bytes)
            assert error["message"].encode()[:40] in body

    play(scene, {provider: script, "together": ANSWER}, retry=RETRY)
    play(alone, {provider: script}, retry=RETRY)


@pytest.mark.parametrize(("kind", "provider", "script"), AGAIN, ids=ids(AGAIN))
def test_what_passes_is_tried_again(kind: str, provider: str, script: Script) -> None:
    async def scene(lab: ScriptedLab) -> None:
        assert (await lab.ask()).text == "Here."
        assert lab.path == [("primary", provider, kind), ("retry", provider, None)]

    second = ANSWER
    if provider == "anthropic":
        end = event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 5})
        second = streamed(CLAUDE_START, claude_text("Here."), end, event("message_stop"))
    play(scene, {provider: [script, second]}, retry=RETRY)


@pytest.mark.parametrize(("kind", "provider", "script"), OF_THE_REQUEST, ids=ids(OF_THE_REQUEST))
def test_what_is_wrong_with_the_request_goes_nowhere_else(kind: str, provider: str, script: Script) -> None:
    """A message that quotes the caller's own words is not matched by a provider's sentence."""

    async def scene(lab: ScriptedLab) -> None:
        with pytest.raises(StackError):
            await lab.ask()
        assert lab.path == [("primary", provider, kind)]
        assert (await lab.post()).status_code == 400

    play(scene, {provider: script, "together": ANSWER}, retry=RETRY)


def test_a_call_that_is_too_large_holds_nobody_up() -> None:
    """everruns#3740 and its opposite: a permanent 429 paused every small call behind it for 0.9 s."""
    limiter: dict[str, Any] = {"rpm": 6_000, "tpm": 1_000_000, "pause_s": 5.0}
    target = {"provider": "openai", "model": "gpt-4o", "limiter": limiter}
    large = openai_error(429, TOO_LARGE, code="rate_limit_exceeded")

    async def scene(lab: ScriptedLab) -> None:
        with pytest.raises(StackError, match="Request too large"):
            await lab.ask()
        await lab.ask("c2")
        assert lab.attempts[-1].limiter_wait_s == 0.0

    play(scene, {"openai": [large, ANSWER]}, target=[target], retry=RETRY)


def test_a_spent_credit_opens_the_breaker_and_the_next_target_goes_on() -> None:
    """mozilla-ai/otari#483: every call failed for as long as the credit was gone."""

    async def scene(lab: ScriptedLab) -> None:
        for n in range(8):
            assert (await lab.ask(f"c{n}")).text == "Here."
        requests = len(lab.providers["anthropic"].requests)
        assert requests < 8
        assert {attempt.error_kind for attempt in lab.attempts} >= {"quota_exhausted", None}

    scripts = {"anthropic": anthropic_error(400, CREDIT), "together": ANSWER}
    play(scene, scripts, breaker={"key_faults": 3}, retry=RETRY)


ON_200: list[tuple[str, str, Script]] = [
    (
        "context_length",
        "openai",
        streamed(data({"error": {"message": WINDOW, "code": "context_length_exceeded"}})),
    ),
    ("quota_exhausted", "openai", whole({"error": {"message": "x", "code": "insufficient_quota"}})),
    (
        "quota_exhausted",
        "anthropic",
        streamed(event("error", error={"type": "invalid_request_error", "message": CREDIT})),
    ),
]


@pytest.mark.parametrize(("kind", "provider", "script"), ON_200, ids=ids(ON_200))
def test_a_refusal_on_http_200_is_the_refusal_that_it_says(kind: str, provider: str, script: Script) -> None:
    async def scene(lab: ScriptedLab) -> None:
        with pytest.raises(StackError) as failed:
            await lab.ask()
        assert failed.value.kind == kind
        assert len(lab.attempts) == 1

    play(scene, {provider: script}, retry=RETRY)


def test_when_every_target_refuses_the_request_for_its_length_the_client_is_told_so() -> None:
    async def scene(lab: ScriptedLab) -> None:
        response = await lab.post()
        assert response.status_code == 400
        assert WINDOW in response.json()["error"]["message"]

    play(scene, {"openai": openai_error(400, WINDOW), "together": openai_error(422, WINDOW)})


def test_a_continuation_that_is_refused_goes_to_the_third_target() -> None:
    """litellm#27967: openai breaks in mid-stream, the next target refuses a prefill, a third would answer."""
    refusal = anthropic_error(400, NO_PREFILL)
    broken = streamed(chunk("The answer"), chunk(" is"), end="rst")
    third = streamed(chunk(" 4."), chunk(None, "stop"), USAGE, DONE)

    async def scene(lab: ScriptedLab) -> None:
        for n in range(2):
            assert (await lab.ask(f"c{n}")).text == "The answer is 4."
        assert len(lab.providers["anthropic"].requests) == 1
        assert [kind for kind, provider, _ in lab.path if provider == "together"] == ["continue"] * 2

    async def alone(lab: ScriptedLab) -> None:
        with pytest.raises(StackError) as failed:
            await lab.ask()
        assert failed.value.kind in ("connection", "truncated")
        assert failed.value.partial == "The answer is"

    play(scene, {"openai": broken, "anthropic": refusal, "together": third})
    play(alone, {"openai": [broken, openai_error(400, "No.")], "anthropic": refusal})
