"""The Responses API under every fault and oddity: the same bytes and rows on sockets and in memory."""

import json
import re
from typing import Any

import pytest

from tests.mock_providers.quirks.odd_replies import variant_faults
from tests.parity.cases import both_modes
from tests.parity.raw_client import PROMPT, Exchange, content_chunks, exchange_bytes, http_request
from tests.parity.seen import BROKEN, UNMARKED, Seen, every_fault
from tests.parity.worlds import Row, fast_profile, in_both, providers, settled_rows

ODD = variant_faults("odd_chunk", "odd_usage", "odd_framing")


async def observe(fault: dict[str, Any], body: dict[str, Any]) -> tuple[list[Exchange], list[Row]]:
    """The reply to a request, to one for the stored response, and the rows of both."""
    async with providers(fast_profile(), [{"endpoint": "responses", **fault}]) as (app, endpoints):
        openai = endpoints["openai"]
        asked = {"model": "gpt-4o", "input": PROMPT, **body}
        met = await exchange_bytes(
            openai, http_request("POST", "/v1/responses", openai, asked, attempt_id="1")
        )
        await settled_rows(app)
        own = f"/v1/responses/resp_{app.ledger.rows[0].request_id.removeprefix('req_')}"
        kept = await exchange_bytes(openai, http_request("GET", own, openai, None, attempt_id="2"))
        return [met, kept], await settled_rows(app)


@every_fault
@both_modes
def test_a_fault_looks_the_same_under_both_engines_and_as_at_chat_completions(
    seen: Seen, stream: bool
) -> None:
    on_sockets, in_memory = in_both(lambda: observe(seen.fault, {"stream": stream}))
    assert in_memory == on_sockets
    (met, kept), (row, _) = in_memory
    kind = seen.fault["kind"]
    never_sent = kind == "reset" and not stream
    ended = seen.ended if stream or seen.json_ended is None else seen.json_ended
    assert (met.status, met.ended) == (0 if never_sent else seen.status, ended)
    assert (row["ended"], row["fault"]) == (seen.row_ended, None if kind in UNMARKED else kind)
    assert (row["status"], row["input_tokens"] > 0) == (met.status, seen.billed)
    if stream:
        expected = row["chunks_planned"] if seen.chunks is None else seen.chunks
        got = content_chunks("\n\n".join([*met.parts, ""]).encode())
        assert got == expected - (kind in BROKEN) - seen.thoughts
    assert kept.status == (200 if seen.billed else 404)
    if seen.billed:
        assert json.loads(kept.parts[0].replace(" <moment>", "0"))["status"] == status_of(seen, row)


def status_of(seen: Seen, row: Row) -> str:
    """The status of the stored response."""
    if seen.fault["kind"] == "in_band_error":
        return "failed"
    if seen.fault["kind"] == "odd_finish":
        return "incomplete"
    return "completed" if row["output_tokens"] == row["planned_output_tokens"] else "cancelled"


@pytest.mark.parametrize("fault", ODD, ids=lambda fault: " ".join(map(str, fault.values())))
def test_an_oddity_looks_the_same_under_both_engines(fault: dict[str, Any]) -> None:
    on_sockets, in_memory = in_both(lambda: observe(fault, {"stream": True}))
    assert in_memory == on_sockets
    (met, kept), (row, _) = in_memory
    assert (met.status, met.ended, row["fault"]) == (200, "whole", fault["kind"])
    [message] = json.loads(kept.parts[0].replace(" <moment>", "0"))["output"]
    done = '"type":"response.output_text.done"'
    [event] = [part for part in re.split(r"\r?\n\r?\n", "\n\n".join(met.parts)) if done in part]
    data = event.partition("data:")[2].strip()
    assert json.loads(data)["text"] == message["content"][0]["text"]


@both_modes
def test_a_background_response_is_the_same_under_both_engines(stream: bool) -> None:
    body = {"background": True, "stream": stream}
    on_sockets, in_memory = in_both(lambda: observe({"kind": "brownout", "extra_s": 0.0}, body))
    (accepted, _), rows = in_memory
    assert accepted == on_sockets[0][0]
    [free] = [row for row in rows if row["endpoint"] == "responses"]
    assert free in on_sockets[1]
    assert (accepted.status, free["cost_nusd"]) == (200, 0)
