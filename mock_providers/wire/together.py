"""Together: OpenAI's protocol with its own rate limit headers.

Its documentation distinguishes a failure at or below your dynamic rate (503) from one above it (429). Here
the first is an injected outage and the second the rate limiter, so both get the documented status. The
spelling of the headers is not confirmed.
"""

import math

from ..limits.limits import Meter
from .dialect import HeadersOut
from .openai.dialect import OpenAIDialect
from .rate_headers import shown_remaining


class TogetherDialect(OpenAIDialect):
    """The dialect of Together."""

    def _limit_headers(self, meters: tuple[Meter, ...]) -> HeadersOut:
        headers = []
        for meter in meters:
            name = b"x-ratelimit-" if meter.name == "requests" else b"x-tokenlimit-"
            headers.append((name + b"limit", b"%d" % meter.limit))
            headers.append((name + b"remaining", b"%d" % shown_remaining(meter)))
            headers.append((name + b"reset", b"%d" % math.ceil(meter.until_full_s)))
        return headers
