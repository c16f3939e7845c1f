"""Which rate limit headers a provider sends: a setting; `wire/rate_headers.py` writes them."""

from typing import Literal

from ..exchange.options import Options

RetryAfter = Literal["seconds", "seconds_and_ms", "ms", "http_date", "none"]


class HeaderStyle(Options):
    """The rate limit headers that a provider sends.

    - `retry_after`: form of the wait in a 429: `retry-after` in whole seconds, `retry-after-ms`, both,
      `retry-after` as an HTTP date (RFC 9110), or none, as OpenAI's may (openai/openai-node#1477). Default:
      that of the protocol
    - `rate_limits`: "all" (default), "none", or "negative": limit -1, remaining -1 and reset 0 whatever the
      true values, as Azure once sent them (openai/openai-dotnet#838)
    """

    retry_after: RetryAfter | None = None
    rate_limits: Literal["all", "none", "negative"] = "all"
