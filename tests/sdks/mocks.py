"""The mock under test: every model that the checks use, and replies within milliseconds."""

from typing import Any

from mock_providers import Catalogue, MockApp, Profile, Question, make_profile

_MODEL: dict[str, Any] = {
    "tier": "balanced",
    "price": {"input": "2.50", "output": "10"},
    "ttft": {"kind": "constant", "value_s": 0.002},
    "pace": {"tokens_per_s": 10_000.0, "reply_sigma": 0.25, "chunk_sigma": 0.3, "chunk_tokens": [1, 4]},
    "accuracy": {"easy": 1.0, "medium": 0.5, "hard": 0.0},
    "context_window": 128_000,
    "max_output_tokens": 16_000,
}
_NARROW = {**_MODEL, "limits": {"tokens_per_min": 1}}
_SLOW = {**_MODEL, "pace": {**_MODEL["pace"], "tokens_per_s": 100.0}}
_EMBEDDING: dict[str, Any] = {
    "price": {"input": "0.02"},
    "latency": {"kind": "constant", "value_s": 0.002},
    "dimensions": 256,
}
_QUICK_BATCH: dict[str, Any] = {
    "validating_s": 0.2,
    "completion": {"kind": "constant", "value_s": 0.2},
    "finalizing_s": 0.1,
}
_ENDLESS_BATCH = {**_QUICK_BATCH, "completion": {"kind": "constant", "value_s": 3600.0}}
_GPT: dict[str, Any] = {
    "protocol": "openai",
    "obfuscation": True,
    "batch": _QUICK_BATCH,
    "models": {
        "gpt-4o": {**_MODEL, "aliases": ["gpt-4o-2024-08-06"]},
        "gpt-5-mini": _MODEL,
        "narrow": _NARROW,
        "slow": _SLOW,
    },
    "embeddings": {"text-embedding-3-small": _EMBEDDING},
}
_CLAUDE: dict[str, Any] = {
    "protocol": "anthropic",
    "batch": _QUICK_BATCH,
    "models": {"claude-sonnet": {**_MODEL, "aliases": ["claude-sonnet-latest"]}, "narrow": _NARROW},
}


def fast_profile() -> Profile:
    """The two providers twice: those whose name ends in -endless never finish a batch."""
    return make_profile(
        {
            "name": "sdks",
            "title": "millisecond replies for official SDKs",
            "error_latency_s": 0.001,
            "providers": {
                "openai": _GPT,
                "openai-endless": {**_GPT, "batch": _ENDLESS_BATCH},
                "anthropic": _CLAUDE,
                "anthropic-endless": {**_CLAUDE, "batch": _ENDLESS_BATCH},
                "together": {"protocol": "together", "models": {"llama-3-70b": _MODEL}},
            },
        }
    )


def app() -> MockApp:
    """The mock, with one easy question."""
    question = {
        "id": "easy",
        "question": "What is the easy number?",
        "answer": "1",
        "wrong": ("11", "12", "13"),
        "difficulty": "easy",
    }
    return MockApp(fast_profile(), answers=Catalogue([Question.model_validate(question)]))
