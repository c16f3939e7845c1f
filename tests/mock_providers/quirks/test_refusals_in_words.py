"""Refusals in the status, shape and sentence of each provider and server; models that want other fields."""

import json
from typing import Any

import pytest

from mock_providers import Profile, make_profile
from mock_providers.wire.openai.vllm.errors import VllmErrors
from tests.mock_providers.quirks.odd_replies import PROFILE, Json, answered, decided

CREDIT = (
    "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or "
    "purchase credits."
)
PREFILL = (
    "This model does not support assistant message prefill. The conversation must end with a user message."
)
MAX_TOKENS = (
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
    "instead."
)
SAID: dict[tuple[str, str], tuple[int, str]] = {
    # mozilla-ai/otari#483, freellmapi#66
    ("credit_spent", "anthropic"): (400, CREDIT),
    # PowerShellAI#127
    ("credit_spent", "openai"): (400, "Billing hard limit has been reached"),
    ("credit_spent", "gemini"): (429, "Your prepayment credits are depleted."),
    # OpenHands#998
    ("quota_exhausted", "openai"): (429, "You exceeded your current quota, please check your plan"),
    ("quota_exhausted", "anthropic"): (429, "You have reached your specified API usage limits."),
    # claude-code#52433, litellm#27967
    ("prefill", "anthropic"): (400, PREFILL),
    ("context_length", "anthropic"): (400, "prompt is too long: 17 tokens > 8 maximum"),
    ("context_length", "openai"): (400, "This model's maximum context length is 8 tokens."),
    ("context_length", "gemini"): (
        400,
        "The input token count (17) exceeds the maximum number of tokens allowed (8).",
    ),
    ("context_length_with_reply", "anthropic"): (
        400,
        "input length and `max_tokens` exceed context limit: 17 + 101 > 117, decrease input length or ",
    ),
    # continue#10602; everruns#3740 for the limit that a wait does help
    ("request_over_limit", "openai"): (
        429,
        "Request too large for gpt-4o in organization org-brownout on tokens per min (TPM): Limit 30000, ",
    ),
    ("request_over_limit", "anthropic"): (429, "This request would exceed your organization's rate limit"),
    ("model_gone", "openai"): (404, "The model `gpt-4o` does not exist or you do not have access to it."),
    ("model_gone", "anthropic"): (404, "model: claude-sonnet-4-5"),
    ("model_gone", "gemini"): (404, "models/gemini-2.5-flash is not found for API version v1beta"),
    ("too_large", "anthropic"): (413, "Request exceeds the maximum size"),
    ("too_large", "openai"): (413, "Request body too large"),
    # mnfst/llm-gateway#1878
    ("max_tokens", "openai"): (400, MAX_TOKENS),
}

CODES = {
    "credit_spent": "billing_hard_limit_reached",
    "quota_exhausted": "insufficient_quota",
    "context_length": "context_length_exceeded",
    "request_over_limit": "rate_limit_exceeded",
    "model_gone": "model_not_found",
}
"""OpenAI's."""


def refused(provider: str, fault: Json, **more: Any) -> tuple[int, Json]:
    reply = answered(provider, {"kind": "http_error", **fault}, prompt="x" * 40, **more)
    return reply.decision.plan.status, json.loads(reply.raw)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("variant", "provider"), SAID)
def test_a_provider_refuses_in_its_own_words(variant: str, provider: str, stream: bool) -> None:
    status, sentence = SAID[variant, provider]
    more: dict[str, Any] = {}
    if variant == "prefill":
        messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "The"}]
        more = {"messages": messages}
    if variant == "max_tokens":
        more = {"max_tokens": 100}
    sent, body = refused(provider, {"variant": variant}, stream=stream, **more)
    assert (sent, body["error"]["message"][: len(sentence)]) == (status, sentence)


def test_codes_and_types_are_the_providers_too() -> None:
    found = {variant: refused("openai", {"variant": variant})[1]["error"] for variant in CODES}
    assert {variant: error["code"] for variant, error in found.items()} == CODES
    assert found["request_over_limit"]["type"] == "tokens"
    assert refused("anthropic", {"variant": "too_large"})[1]["error"]["type"] == "request_too_large"
    unsupported = refused("openai", {"variant": "max_tokens"}, max_tokens=9)[1]["error"]
    assert unsupported["param"] == "max_tokens"


def test_prefill_is_refused_only_where_there_is_one() -> None:
    """litellm#27967: the first request is answered, and its continuation refused."""
    reply = answered("anthropic", {"kind": "http_error", "variant": "prefill"})
    assert (reply.decision.plan.status, bool(reply.text)) == (200, True)


def test_max_tokens_is_refused_only_where_it_is_said() -> None:
    fault = {"kind": "http_error", "variant": "max_tokens"}
    assert answered("openai", fault, max_completion_tokens=100).text
    assert answered("anthropic", fault).text


def test_an_error_can_look_like_a_success() -> None:
    """openrouter.ai/docs/api-reference/errors: status 200 and an error in the body."""
    status, body = refused("openai", {"status": 429, "sent_status": 200})
    assert (status, body["error"]["code"]) == (200, "rate_limit_exceeded")


def test_a_proxy_refuses_what_is_too_large_with_a_page() -> None:
    fault = {"kind": "http_error", "status": 413, "variant": "html"}
    plan = decided("anthropic", fault).plan
    assert (plan.status, plan.ends, plan.page is not None) == (413, "page", True)


def with_model(provider: str, id_: str, server: str = "own", **changes: Any) -> Profile:
    """The tests' profile with one more model."""
    data = PROFILE.model_dump(mode="json")
    model = {**next(iter(data["providers"][provider]["models"].values())), "aliases": [], **changes}
    data["providers"][provider]["models"][id_] = model
    data["providers"][provider]["server"] = server
    return make_profile(data)


@pytest.mark.parametrize("model", ["gpt-5", "gpt-5-mini", "gpt-5.6-sol", "o1", "o3-mini", "o4-mini"])
def test_gpt_5_and_the_o_series_want_max_completion_tokens(model: str) -> None:
    """mnfst/llm-gateway#1878; platform.openai.com/docs/guides/reasoning."""
    profile = with_model("openai", model)
    reply = answered("openai", model=model, profile=profile, max_tokens=100)
    assert json.loads(reply.raw)["error"] == {
        "message": MAX_TOKENS,
        "type": "invalid_request_error",
        "param": "max_tokens",
        "code": "unsupported_parameter",
    }
    assert answered("openai", model=model, profile=profile, max_completion_tokens=100).text
    lenient = with_model("openai", model, max_tokens=True)
    assert answered("openai", model=model, profile=lenient, max_tokens=100).text


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4.5", "gpt-4.1-mini", "omni-1"])
def test_other_models_take_max_tokens(model: str) -> None:
    profile = PROFILE if PROFILE.providers["openai"].canonical(model) else with_model("openai", model)
    assert answered("openai", model=model, profile=profile, max_tokens=100).text
    strict = with_model("openai", "strict-1", max_tokens=False)
    assert answered("openai", model="strict-1", profile=strict, max_tokens=100).decision.plan.status == 400


@pytest.mark.parametrize(
    ("model", "takes"),
    [
        ("claude-haiku-4-5", True),
        ("claude-sonnet-4-5", True),
        ("claude-opus-4-6", False),
        ("claude-sonnet-4-6", False),
        ("claude-opus-5", False),
    ],
)
def test_claude_4_6_and_later_refuse_prefill(model: str, takes: bool) -> None:
    """CLIProxyAPI#5319, deepagents#1585: haiku-4-5 continues, opus-5 and sonnet-4-6 refuse."""
    known = PROFILE.providers["anthropic"].canonical(model)
    profile = PROFILE if known else with_model("anthropic", model)
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "The"}]
    reply = answered("anthropic", model=model, profile=profile, messages=messages)
    assert (reply.decision.plan.status == 200) is takes
    if not takes:
        assert json.loads(reply.raw)["error"]["message"] == PREFILL
    assert answered("anthropic", model=model, profile=profile).text


def test_vllm_says_it_in_a_flat_body() -> None:
    """vllm#4667, vllm#20409: `{"object": "error", "message", "type", "param", "code": 400}`."""
    profile = with_model("openai", "llama-3-8b", "vllm")
    fault = {"kind": "http_error", "variant": "context_length"}
    reply = answered("openai", fault, model="llama-3-8b", profile=profile, prompt="x" * 40)
    message = VllmErrors("").prompt_too_long(17, 0, 8).message
    assert message.startswith("This model's maximum context length is 8 tokens. However, you requested 17 ")
    assert json.loads(reply.raw) == {
        "object": "error",
        "message": message,
        "type": "BadRequestError",
        "param": None,
        "code": 400,
    }


def test_together_says_it_with_a_422() -> None:
    """litellm#4934, helm#2079; a 422: litellm#10793."""
    fault = {"kind": "http_error", "variant": "context_length"}
    reply = answered("together", fault, model="llama-3-70b", prompt="x" * 40)
    assert reply.decision.plan.status == 422
    assert json.loads(reply.raw)["error"]["message"] == (
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8. Given: 17 `inputs` tokens "
        "and 0 `max_new_tokens`"
    )


@pytest.mark.parametrize(
    "odd",
    [
        {"logit_bias": {}},
        {"tools": []},
        {
            "messages": [
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": None},
                {"role": "user", "content": "in about 9 tokens"},
            ]
        },
    ],
    ids=["empty logit_bias", "no tools", "null content"],
)
def test_fields_with_nothing_in_them_are_taken(odd: Json) -> None:
    """freellmapi#165."""
    assert answered("openai", **odd).text
