"""Any request to any route gets a reply in the protocol's shape, and one ledger row."""

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mock_providers import Profile
from tests.effort import effort
from tests.fuzz.fuzz_requests import mutated_requests
from tests.fuzz.fuzz_shapes import check_error, check_success
from tests.fuzz.fuzz_valid import CALLS, PLAIN, Call, as_sent, name_of
from tests.fuzz.fuzz_world import Got, Sent, World, play, small_world

PROFILE: Profile = small_world()
MADE_UP = re.compile(r"(file-|batch_|resp_)1")
slow_is_fine = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


def judge(world: World, provider: str, sent: Sent, got: Got) -> None:
    """Check for no 500 of our own, the protocol's shape, and one matching ledger row."""
    protocol = PROFILE.providers[provider].protocol
    assert got.status < 500
    assert not got.cut
    if sent.method != "HEAD":
        (check_error if got.status >= 400 else check_success)(protocol, got)
    row = world.rows[-1]
    assert (row.provider, row.status, row.fault) == (provider, got.status, None)
    assert row.ended == ("error" if got.status >= 400 else "complete")
    assert (row.error is None) == (got.status < 400)
    assert row.cost_nusd >= 0
    assert b"".join(world.app.ledger.ndjson()).endswith(b"\n")


@pytest.mark.parametrize("call", CALLS, ids=name_of)
def test_a_good_request_is_answered_or_finds_nothing(call: Call) -> None:
    async def session() -> None:
        world = World(PROFILE)
        sent = as_sent(call, b"sk-good" if call.provider == "locked" else b"")
        got = await world.ask(call.provider, sent)
        judge(world, call.provider, sent, got)
        assert got.status == (404 if MADE_UP.search(repr((call.path, call.body))) else 200)

    play(session())


async def ask_all(call: Call, asked: list[Sent]) -> None:
    """Send mutated requests, judge each reply, then send a valid request."""
    world = World(PROFILE)
    for nth, sent in enumerate(asked, 1):
        judge(world, call.provider, sent, await world.ask(call.provider, sent))
        assert len(world.rows) == nth
    good = as_sent(PLAIN[call.provider], b"sk-good" if call.provider == "locked" else b"")
    assert (await world.ask(call.provider, good)).status == 200
    assert world.app.in_flight == 0


@pytest.mark.parametrize("call", CALLS, ids=name_of)
@settings(max_examples=effort(20), deadline=None, suppress_health_check=slow_is_fine)
@given(data=st.data())
def test_a_mutated_request_gets_the_protocols_own_answer_and_one_row(call: Call, data: st.DataObject) -> None:
    play(ask_all(call, data.draw(st.lists(mutated_requests(call), min_size=1, max_size=3))))


LARGE: dict[str, tuple[Call, dict[str, Any], int]] = {
    "20,000 answered calls of a tool": (
        CALLS[0],
        {
            "model": "m-1",
            "messages": [
                {
                    "role": "assistant",
                    "tool_calls": [
                        {"id": f"{nth}", "type": "function", "function": {"name": "a", "arguments": "{}"}}
                        for nth in range(20_000)
                    ],
                },
                *({"role": "tool", "tool_call_id": f"{nth}", "content": "a"} for nth in range(20_000)),
            ],
        },
        400,
    ),
    "20,000 tools, all of them allowed": (
        next(call for call in CALLS if call.path.endswith("m-1:generateContent")),
        {
            "contents": [{"parts": [{"text": "a"}]}],
            "tools": [{"functionDeclarations": [{"name": f"f{nth}"} for nth in range(20_000)]}],
            "toolConfig": {
                "functionCallingConfig": {
                    "mode": "ANY",
                    "allowedFunctionNames": [f"f{n}" for n in range(20_000)],
                }
            },
        },
        400,
    ),
    "1.8 million tokens to embed": (
        next(call for call in CALLS if call.path.endswith("embeddings")),
        {"model": "e-1", "input": ["word " * 900] * 2048},
        400,
    ),
}


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.timeout(10)  # quadratic time would need minutes
def test_a_large_request_does_not_hold_the_providers_up(name: str) -> None:
    call, body, status = LARGE[name]

    async def session() -> None:
        world = World(PROFILE)
        sent = as_sent(call._replace(body=body))
        got = await world.ask(call.provider, sent)
        judge(world, call.provider, sent, got)
        assert got.status == status

    play(session())
