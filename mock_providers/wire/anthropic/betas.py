"""Fields of Anthropic's betas: taken when the request's `anthropic-beta` header has their beta.

Source: the SDK's `AnthropicBetaParam` and beta `MessageCreateParams`.
"""

from ...exchange.received import Received

THREADS = "message-threads-"
_BETA_OF = {
    "billing_policy": "user-profiles-billing-",
    "compaction": "compact-",
    "fallback_credit_token": "fallback-credit-",
    "fallbacks": "server-side-fallback-",
    "thread": THREADS,
}
"""The beginning of the beta's name, by field; its date changes."""


def betas_of(received: Received) -> tuple[str, ...]:
    """The betas that a request asks for."""
    return tuple(name.strip() for name in received.header(b"anthropic-beta").split(",") if name.strip())


def beta_fields(betas: tuple[str, ...]) -> frozenset[str]:
    """The fields that these betas add."""
    return frozenset(
        field for field, beta in _BETA_OF.items() if any(each.startswith(beta) for each in betas)
    )
