"""Together: OpenAI's protocol with its own rate limit headers.

Its documentation distinguishes a failure at or below your dynamic rate (503) from one above it (429). Here
the first is an injected outage and the second the rate limiter, so both get the documented status. The
spelling of the headers is not confirmed.
"""

import math

from ..exchange.request import Problem
from ..limits.limits import Meter
from ..profile import Provider
from .dialect import HeadersOut
from .openai.dialect import OpenAIDialect
from .openai.errors import OpenAIErrors
from .rate_headers import shown_remaining


class TogetherErrors(OpenAIErrors):
    """Together's errors, where they differ from OpenAI's."""

    def model_retired(self, name: str) -> Problem:
        """The model is no longer served to all: a 400. Source: HeyPuter/puter#3168."""
        message = (
            f"Unable to access non-serverless model {name}. Please visit "
            f"https://api.together.ai/models/{name} to create and start a new dedicated endpoint for the "
            "model."
        )
        return Problem(400, "invalid_request_error", message, "model_not_available")

    def prompt_too_long(self, input_tokens: int, max_tokens: int, window: int) -> Problem:
        """Prompt and `max_tokens` exceed the context window: a 422. Sources: litellm#4934, helm#2079."""
        message = (
            f"Input validation error: `inputs` tokens + `max_new_tokens` must be <= {window}. Given: "
            f"{input_tokens} `inputs` tokens and {max_tokens} `max_new_tokens`"
        )
        return Problem(422, "invalid_request_error", message, param="max_tokens")

    def credit_spent(self) -> Problem:
        """The credit is used up: a 402. Source: expectedparrot/edsl#2098."""
        message = (
            "Credit limit exceeded. Please navigate to https://api.together.xyz/settings/billing to add "
            "credit or upgrade your plan."
        )
        return Problem(402, "credit_limit", message)


class TogetherDialect(OpenAIDialect):
    """The dialect of Together."""

    def __init__(self, provider: Provider) -> None:
        super().__init__(provider)
        self.errors = TogetherErrors(provider.organization)

    def _limit_headers(self, meters: tuple[Meter, ...]) -> HeadersOut:
        headers = []
        for meter in meters:
            name = b"x-ratelimit-" if meter.name == "requests" else b"x-tokenlimit-"
            headers.append((name + b"limit", b"%d" % meter.limit))
            headers.append((name + b"remaining", b"%d" % shown_remaining(meter)))
            headers.append((name + b"reset", b"%d" % math.ceil(meter.until_full_s)))
        return headers
