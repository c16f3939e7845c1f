"""Every fault at every provider, streamed or not, looks the same to a raw client under both engines."""

import json

import pytest

from mock_providers.faults import KINDS
from tests.parity.cases import both_modes, every_protocol
from tests.parity.raw_client import Exchange, content_chunks, exchange
from tests.parity.seen import BROKEN, SEEN, UNMARKED, Seen, every_fault
from tests.parity.worlds import Row, fast_profile, in_both, providers, settled_rows


async def observe(seen: Seen, provider: str, stream: bool) -> tuple[Exchange, Row]:
    async with providers(fast_profile(), [seen.fault | {"provider": provider}]) as (app, endpoints):
        met = await exchange(provider, endpoints[provider], stream=stream)
        [row] = await settled_rows(app)
        return met, row


def test_no_kind_of_fault_is_left_out() -> None:
    assert {seen.fault["kind"] for seen in SEEN} == set(KINDS)


@every_protocol
@every_fault
@both_modes
def test_a_fault_looks_the_same_under_both_engines_and_as_expected(
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
        assert content_chunks("\n\n".join([*met.parts, ""]).encode()) == (
            expected - (kind in BROKEN) - seen.thoughts
        )
        assert row["chunks_sent"] == expected


@every_protocol
@pytest.mark.parametrize("kind", BROKEN)
@both_modes
def test_just_one_part_of_a_malformed_reply_is_broken(kind: str, provider: str, stream: bool) -> None:
    seen = Seen({"kind": kind, "after_chunks": 2})
    met, _ = in_both(lambda: observe(seen, provider, stream))[1]
    assert sum(not sound(part, stream) for part in met.parts) == 1


@every_protocol
def test_a_truncated_stream_has_no_end_marker(provider: str) -> None:
    met, _ = in_both(lambda: observe(Seen({"kind": "truncate", "after_chunks": 2}), provider, True))[1]
    text = "".join(met.parts)
    assert not any(word in text for word in ("[DONE]", '"stop"', "message_stop", "end_turn", "finishReason"))


@every_protocol
@both_modes
def test_an_in_band_error_is_the_providers_own(provider: str, stream: bool) -> None:
    seen = Seen({"kind": "in_band_error", "after_chunks": 2})
    met, row = in_both(lambda: observe(seen, provider, stream))[1]
    data = met.parts[-1].rpartition("data: ")[2]
    error = json.loads(data)["error"]
    told = error["status"] if provider == "gemini" else error.get("code") or error["type"]
    own = {"anthropic": "overloaded_error", "gemini": "UNAVAILABLE"}
    assert row["error"] == told == own.get(provider, "server_is_overloaded")


@every_protocol
def test_an_html_reply_has_an_html_content_type(provider: str) -> None:
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
