"""A provider's rate-limit headers: for each meter, its limit a minute and what remains of it.

OpenAI: `x-ratelimit-{limit,remaining}-{requests,tokens}`. Anthropic:
`anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining}`, where the plain tokens
repeat whichever of the two others is tighter, and are left out beside them. What remains of tokens is
rounded to the nearest thousand there, as documented: up to half a thousand more may be left. Together:
`x-{ratelimit,tokenlimit}-{limit,remaining}`, whose limit is dynamic, so that only what remains is taken.
Azure once sent -1 for both: a value that is not a number from zero up is ignored.
"""

from collections.abc import Mapping
from typing import NamedTuple

THOUSAND = 1000.0


class Meter(NamedTuple):
    """One limit, and the most that may remain of it; None where the headers do not say."""

    limit_per_min: float | None = None
    remaining: float | None = None


class Meters(NamedTuple):
    """All meters of a provider."""

    requests: Meter = Meter()
    tokens: Meter = Meter()
    input_tokens: Meter = Meter()
    output_tokens: Meter = Meter()


NOTHING = Meters()


def meters_of(headers: Mapping[str, str]) -> Meters:
    """The meters in a reply's headers."""
    if "anthropic-ratelimit-requests-limit" in headers or "anthropic-ratelimit-tokens-limit" in headers:
        names = ("requests", "tokens", "input-tokens", "output-tokens")
        rounded = Meters(*(_meter(headers, f"anthropic-ratelimit-{name}-{{}}") for name in names))
        meters = Meters(rounded.requests, *map(_before_rounding, rounded[1:]))
        apart = meters.input_tokens != Meter() or meters.output_tokens != Meter()
        return meters._replace(tokens=Meter()) if apart else meters
    if "x-ratelimit-remaining-requests" in headers or "x-ratelimit-remaining-tokens" in headers:
        return Meters(*(_meter(headers, f"x-ratelimit-{{}}-{name}") for name in ("requests", "tokens")))
    requests, tokens = (_meter(headers, f"x-{kind}-{{}}") for kind in ("ratelimit", "tokenlimit"))
    return Meters(requests._replace(limit_per_min=None), tokens._replace(limit_per_min=None))


def _meter(headers: Mapping[str, str], name: str) -> Meter:
    return Meter(_count(headers.get(name.format("limit"))), _count(headers.get(name.format("remaining"))))


def _before_rounding(meter: Meter) -> Meter:
    """The most that was rounded to this; what is no whole thousand was not rounded."""
    if meter.remaining is None or meter.remaining % THOUSAND:
        return meter
    return meter._replace(remaining=meter.remaining + THOUSAND / 2)


def _count(text: str | None) -> float | None:
    if text is None or not text.isascii() or not text.isdigit():
        return None
    return float(text[:18])
