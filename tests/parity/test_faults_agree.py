"""Every kind of fault at every provider, streamed or not: what a raw client meets, in both worlds."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from mock_providers.faults import KINDS
from tests.parity.cases import both_modes, every_provider
from tests.parity.raw_client import Exchange, content_chunks, exchange
from tests.parity.worlds import API_KEY, Row, fast_profile, in_both, providers, settled_rows


@dataclass(frozen=True, slots=True)
class Seen:
    """Outcome of one fault: the status, how the connection and the ledger's row end, what is paid for."""

    fault: dict[str, Any]
    status: int = 200
    ended: str = "whole"
    row_ended: str = "complete"
    billed: bool = True
    chunks: int | None = None  # of a stream; None: all of them
    json_ended: str | None = None  # where a JSON reply's connection ends otherwise

    def status_from(self, provider: str) -> int:
        return 529 if self.status == 503 and provider == "anthropic" else self.status


SEEN = (
    Seen({"kind": "outage"}, 503, "whole", "error", False, 0),
    Seen({"kind": "region_outage", "region": "us"}, 503, "whole", "error", False, 0),
    Seen({"kind": "http_error", "status": 418}, 418, "whole", "error", False, 0),
    Seen({"kind": "http_error", "status": 429, "variant": "quota_exhausted"}, 429, "whole",
         "error", False, 0),
    Seen({"kind": "http_error", "status": 429, "variant": "ramp_limit", "retry_after_s": 3.0}, 429, "whole",
         "error", False, 0),
    Seen({"kind": "http_error", "status": 502, "variant": "html"}, 502, "whole", "error", False, 0),
    Seen({"kind": "key_revoked", "key": API_KEY}, 401, "whole", "error", False, 0),
    Seen({"kind": "refuse"}, 0, "reset", "reset", False, 0),
    Seen({"kind": "hang", "hold_s": 0.02}, 0, "eof", "hung", False, 0),
    Seen({"kind": "brownout", "extra_s": 0.01, "slowdown": 1.5}),
    Seen({"kind": "slow_first_token", "extra_s": 0.02}),
    Seen({"kind": "slow_drip", "gap_s": 0.002}),
    Seen({"kind": "stall", "after_chunks": 2, "hold_s": 0.02}, 200, "eof", "stalled", True, 2),
    Seen({"kind": "stall", "after_chunks": 0, "hold_s": 0.02}, 200, "eof", "stalled", True, 0),
    Seen({"kind": "reset", "after_chunks": 2}, 200, "reset", "reset", True, 2),
    Seen({"kind": "truncate", "after_chunks": 2}, 200, "whole", "truncated", True, 2, "eof"),
    Seen({"kind": "truncate", "after_chunks": 0}, 200, "whole", "truncated", True, 0, "eof"),
    Seen({"kind": "malformed_json", "after_chunks": 2}),
    Seen({"kind": "malformed_sse", "after_chunks": 2}),
    Seen({"kind": "in_band_error", "after_chunks": 2}, 200, "whole", "error", True, 2),
    Seen({"kind": "in_band_error", "after_chunks": 0, "status": 500}, 200, "whole", "error", True, 0),
    Seen({"kind": "html_200"}, 200, "whole", "error", False, 0),
    Seen({"kind": "quality_loss", "factor": 0.0}),
    Seen({"kind": "cache_wipe"}),
    Seen({"kind": "clock_skew", "skew_s": 100.0}),
)  # fmt: skip
BROKEN = ("malformed_json", "malformed_sse")
UNMARKED = ("cache_wipe",)  # it changes what a reply costs, not the reply

every_fault = pytest.mark.parametrize(
    "seen", SEEN, ids=[" ".join(map(str, each.fault.values())) for each in SEEN]
)


async def observe(seen: Seen, provider: str, stream: bool) -> tuple[Exchange, Row]:
    async with providers(fast_profile(), [seen.fault | {"provider": provider}]) as (app, endpoints):
        met = await exchange(provider, endpoints[provider], stream=stream)
        [row] = await settled_rows(app)
        return met, row


def test_no_kind_of_fault_is_left_out() -> None:
    assert {seen.fault["kind"] for seen in SEEN} == set(KINDS)


@every_provider
@every_fault
@both_modes
def test_a_fault_looks_the_same_in_both_worlds_and_as_it_should(
    seen: Seen, provider: str, stream: bool
) -> None:
    on_sockets, in_memory = in_both(lambda: observe(seen, provider, stream))
    assert in_memory == on_sockets
    met, row = in_memory
    kind = seen.fault["kind"]
    never_sent = kind == "reset" and not stream
    ended = seen.ended if stream or seen.json_ended is None else seen.json_ended
    assert (met.status, met.ended) == (0 if never_sent else seen.status_from(provider), ended)
    assert (row["ended"], row["fault"]) == (seen.row_ended, None if kind in UNMARKED else kind)
    assert (row["status"], row["input_tokens"] > 0) == (met.status, seen.billed)
    if stream:
        expected = row["chunks_planned"] if seen.chunks is None else seen.chunks
        assert content_chunks("\n\n".join([*met.parts, ""]).encode()) == expected - (kind in BROKEN)
        assert row["chunks_sent"] == expected


@every_provider
@pytest.mark.parametrize("kind", BROKEN)
@both_modes
def test_just_one_part_of_a_malformed_reply_is_broken(kind: str, provider: str, stream: bool) -> None:
    seen = Seen({"kind": kind, "after_chunks": 2})
    met, _ = in_both(lambda: observe(seen, provider, stream))[1]
    assert sum(not sound(part, stream) for part in met.parts) == 1


@every_provider
def test_a_truncated_stream_does_not_say_that_it_ended(provider: str) -> None:
    met, _ = in_both(lambda: observe(Seen({"kind": "truncate", "after_chunks": 2}), provider, True))[1]
    text = "".join(met.parts)
    assert not any(word in text for word in ("[DONE]", '"stop"', "message_stop", "end_turn"))


@every_provider
@both_modes
def test_an_in_band_error_is_the_providers_own(provider: str, stream: bool) -> None:
    seen = Seen({"kind": "in_band_error", "after_chunks": 2})
    met, row = in_both(lambda: observe(seen, provider, stream))[1]
    data = met.parts[-1].rpartition("data: ")[2]
    error = json.loads(data)["error"]
    assert row["error"] == (error.get("code") or error["type"])
    assert row["error"] == ("overloaded_error" if provider == "anthropic" else "server_is_overloaded")


@every_provider
def test_html_says_so(provider: str) -> None:
    met, _ = in_both(lambda: observe(Seen({"kind": "html_200"}), provider, True))[1]
    assert dict(met.headers)["content-type"].startswith("text/html")
    assert met.parts[0].startswith("<html>")


def sound(part: str, stream: bool) -> bool:
    """Whether an event of a stream, or a JSON body, can be read."""
    if not stream:
        return readable(part)
    lines = part.split("\n")
    if not all(line.startswith(("data: ", "event: ")) for line in lines):
        return False
    return all(
        line == "data: [DONE]" or readable(line.removeprefix("data: "))
        for line in lines
        if line.startswith("data: ")
    )


def readable(text: str) -> bool:
    try:
        json.loads(text.replace(" <moment>", "0"))
    except ValueError:
        return False
    return True
