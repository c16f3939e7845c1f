"""How a provider tells of its limits in headers: real ones leave some out, and some once sent nonsense."""

import math
from email.utils import formatdate
from typing import Literal

from ..exchange.options import Options
from .limits import Meter

RetryAfter = Literal["seconds", "seconds_and_ms", "ms", "http_date", "none"]


class HeaderStyle(Options):
    """Which headers about limits a provider sends.

    - `retry_after`: how a refusal for rate tells the time to wait: `retry-after` in whole seconds,
      `retry-after-ms`, both, `retry-after` as an HTTP date (RFC 9110), or not at all, as OpenAI's may
      (openai/openai-node#1477). Default: as the protocol does
    - `rate_limits`: "all" (default), "none", or "negative": limit -1, remaining -1 and reset 0 whatever is
      true, as Azure once sent them (openai/openai-dotnet#838)
    """

    retry_after: RetryAfter | None = None
    rate_limits: Literal["all", "none", "negative"] = "all"


def retry_after_headers(
    style: HeaderStyle, wait_s: float | None, wall_s: float, usual: RetryAfter = "seconds"
) -> list[tuple[bytes, bytes]]:
    """The headers that ask for a wait of `wait_s`, rounded up; none for None or infinity.

    `wall_s` is Unix time, `usual` what the protocol does by default. Never less than a second or millisecond:
    zero would mean that there is nothing to wait for.
    """
    if wait_s is None or math.isinf(wait_s):
        return []
    how = style.retry_after or usual
    headers = []
    if how == "http_date":
        headers.append((b"retry-after", formatdate(math.ceil(wall_s + wait_s), usegmt=True).encode()))
    if how in ("seconds", "seconds_and_ms"):
        headers.append((b"retry-after", b"%d" % max(1, math.ceil(wait_s))))
    if how in ("ms", "seconds_and_ms"):
        headers.append((b"retry-after-ms", b"%d" % max(1, math.ceil(wait_s * 1000))))
    return headers


def shown_meters(style: HeaderStyle, meters: tuple[Meter, ...]) -> tuple[Meter, ...]:
    """The meters that the headers are to show, true or not."""
    if style.rate_limits == "none":
        return ()
    if style.rate_limits == "negative":
        return tuple(meter._replace(limit=-1, remaining=-1.0, until_full_s=0.0) for meter in meters)
    return meters


def shown_remaining(meter: Meter) -> int:
    """What is left as a header shows it: whole, and never below zero unless the limit itself is nonsense."""
    return -1 if meter.limit < 0 else max(0, math.floor(meter.remaining))
