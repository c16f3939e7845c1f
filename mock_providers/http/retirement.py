"""Headers that announce a model's retirement.

No provider documents such headers (anthropics/anthropic-sdk-python#1396 asks for them): these are the
standard ones. `Sunset` (RFC 8594) is the day of retirement; `Deprecation` (RFC 9745) says since when the
model is deprecated, which profiles do not know: 60 days before, the least that Anthropic promises
(platform.claude.com, model deprecations).
"""

from email.utils import formatdate

from ..plan import Plan
from ..wire.dialect import HeadersOut, Stamp

_NOTICE_S = 60 * 86_400.0


def retirement_headers(stamp: Stamp, plan: Plan) -> HeadersOut:
    """`deprecation` and `sunset` from 60 days before the retirement on; none otherwise."""
    if plan.retires_in_s is None or plan.retires_in_s > _NOTICE_S:
        return []
    retires_s = round(stamp.wall_s + plan.retires_in_s)
    sunset = formatdate(retires_s, usegmt=True).encode()
    return [(b"deprecation", b"@%d" % (retires_s - _NOTICE_S)), (b"sunset", sunset)]
