"""Values of rate limit headers, including the omissions and nonsense of real ones."""

import math
from email.utils import formatdate

from ..limits.header_style import HeaderStyle, RetryAfter
from ..limits.limits import Meter


def retry_after_headers(
    style: HeaderStyle, wait_s: float | None, wall_s: float, usual: RetryAfter = "seconds"
) -> list[tuple[bytes, bytes]]:
    """Headers for a wait of `wait_s`, rounded up; none for None or infinity.

    `wall_s` is Unix time, `usual` the form that the protocol uses by default. At least one second or
    millisecond: zero would mean that no wait is needed.
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
    """The meters that the headers show; not the true ones for "negative"."""
    if style.rate_limits == "none":
        return ()
    if style.rate_limits == "negative":
        return tuple(meter._replace(limit=-1, remaining=-1.0, until_full_s=0.0) for meter in meters)
    return meters


def shown_remaining(meter: Meter) -> int:
    """The remaining amount in a header: a whole number, at least 0; -1 when the limit is -1."""
    return -1 if meter.limit < 0 else max(0, math.floor(meter.remaining))
