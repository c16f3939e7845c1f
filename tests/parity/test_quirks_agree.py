"""Every oddity at every protocol looks the same to a raw client under both engines."""

from functools import partial
from typing import Any

import pytest

from tests.mock_providers.quirks.odd_replies import variant_faults
from tests.parity.cases import both_modes, every_protocol
from tests.parity.raw_client import Exchange, exchange
from tests.parity.worlds import Row, fast_profile, in_both, providers, settled_rows

QUIRKS = [
    *variant_faults("odd_chunk", "odd_usage", "odd_framing", "odd_finish"),
    *[fault | {"hold_s": 0.02} for fault in variant_faults("broken_end")],
    *variant_faults("keep_alive_close"),
    *[fault for fault in variant_faults("http_error") if fault["variant"] != "prefill"],
    {"kind": "reasoning", "for_s": 0.02, "gap_s": 0.01},
    {"kind": "early_headers", "gap_s": 0.0005},
]
MANY_SCRIPTS = "Say something, in many scripts, in about 24 tokens."


async def observe(fault: dict[str, Any], provider: str, stream: bool) -> tuple[Exchange, Row]:
    async with providers(fast_profile(), [fault | {"provider": provider}]) as (app, endpoints):
        met = await exchange(provider, endpoints[provider], stream=stream, prompt=MANY_SCRIPTS)
        [row] = await settled_rows(app)
        return met, row


@every_protocol
@pytest.mark.parametrize("fault", QUIRKS, ids=lambda fault: " ".join(map(str, fault.values())))
@both_modes
def test_an_oddity_looks_the_same_under_both_engines(
    fault: dict[str, Any], provider: str, stream: bool
) -> None:
    on_sockets, in_memory = in_both(lambda: observe(fault, provider, stream))
    assert in_memory == on_sockets
    met, row = in_memory
    assert row["fault"] == fault["kind"]
    assert row["status"] == met.status
    refused = fault["kind"] == "http_error"
    assert (row["cost_nusd"] == 0) is refused
    assert (met.status == 200) is not refused
    if fault["kind"] not in ("http_error", "broken_end"):
        assert (met.ended, row["ended"]) == ("whole", "complete")


@every_protocol
def test_a_whole_reply_with_trouble_after_it_is_all_there(provider: str) -> None:
    usual, _ = in_both(lambda: observe({"kind": "odd_tool_call"}, provider, False))[1]
    for variant, ended in (("eof", "eof"), ("reset", "reset"), ("silence", "eof"), ("error", "eof")):
        fault = {"kind": "broken_end", "variant": variant, "hold_s": 0.02}
        met, row = in_both(partial(observe, fault, provider, False))[1]
        assert (met.parts, met.ended) == (usual.parts, ended)
        assert row["chunks_sent"] == row["chunks_planned"] > 0


@every_protocol
def test_an_error_after_the_finish_is_the_providers_own(provider: str) -> None:
    met, row = in_both(lambda: observe({"kind": "broken_end", "variant": "error"}, provider, True))[1]
    finish, error = met.parts[-2:]
    assert any(word in finish for word in ('"stop"', "end_turn", "STOP"))
    assert '"error"' in error
    assert row["ended"] == "error"
