"""The admin API refuses invalid requests in one line, and never breaks the providers."""

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.effort import effort
from tests.fuzz.fuzz_json import VALUES, dumps, mutated_json, mutated_text
from tests.fuzz.fuzz_requests import METHODS
from tests.fuzz.fuzz_valid import PLAIN, as_sent
from tests.fuzz.fuzz_world import Got, Sent, World, play, small_world

PROFILE = small_world()
slow_is_fine = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
FAULTS: list[dict[str, Any]] = [
    {"kind": "http_error", "status": 429, "provider": "openai", "from_s": 0.0, "to_s": 60.0, "first": 3},
    {"kind": "stall", "after_chunks": 2, "probability": 0.5, "every": 2, "model": "m"},
    {"kind": "slow_drip", "endpoint": "messages", "probability": 0.2, "probability_to": 0.9, "to_s": 50.0},
    {"kind": "hang"},
    {"kind": "brownout"},
    {"kind": "quality_loss"},
    {"kind": "key_revoked", "key": "k"},
]
BODIES: dict[str, Any] = {
    "health": {},
    "start": {"at_s": 5.0},
    "faults": FAULTS,
    "faults/add": {**FAULTS[0], "for_s": 30.0},
    "faults/remove": FAULTS[0],
    "reset": {"seed": 3},
    "ledger": {},
    "profile": {},
    "stats": {},
    "kinds": {},
}
BODIES["faults/add"] = {
    key: value for key, value in BODIES["faults/add"].items() if key not in ("from_s", "to_s")
}
QUERIES = st.one_of(
    st.sampled_from(
        [
            *(
                b"",
                b"since=0",
                b"since=-1",
                b"since=" + b"9" * 5000,
                b"since=1e3",
                b"since=x",
                b"since=",
                b"follow=x",
            ),
            *(
                b"follow=true",
                b"follow=1&since=999",
                b"since=0&since=1",
                b"SINCE=1",
                b"%",
                b"\xff",
                b"a" * 9000,
            ),
        ]
    ),
    st.binary(max_size=12),
)


@st.composite
def admin_requests(draw: st.DrawFn) -> Sent:
    """A request to the admin API, valid or with something wrong."""
    name = draw(st.sampled_from(list(BODIES)))
    method = draw(st.sampled_from(["POST", "POST", "POST", "GET", "PUT", *METHODS]))
    valid = BODIES[name]
    mutated = st.one_of(VALUES, mutated_json(valid)).map(dumps) | mutated_text(valid) | st.binary(max_size=20)
    body = draw(st.one_of(st.just(orjson.dumps(valid)), mutated))
    tail = draw(st.sampled_from(["", "", "", "/", "//", "/x", "\n", "\x00", "\u202e", "/../faults"]))
    return Sent(method, f"/_mock/{name}{tail}", (), body, draw(QUERIES) if name == "ledger" else b"")


def judge(sent: Sent, got: Got) -> None:
    """Check for JSON, with a one-line error if refused; or ledger rows, or the redirect to the page."""
    assert got.status < 500
    if got.status >= 400:
        body = got.json
        assert set(body) == {"error"}
        assert body["error"]
        assert len(body["error"].splitlines()) == 1
        assert "Traceback" not in body["error"]


@settings(max_examples=effort(200), deadline=None, suppress_health_check=slow_is_fine)
@given(asked=st.lists(admin_requests(), min_size=1, max_size=4))
def test_the_admin_api_never_fails_and_never_breaks_a_provider(asked: list[Sent]) -> None:
    async def session() -> None:
        world = World(PROFILE)
        for sent in asked:
            judge(sent, await world.ask("openai", sent, patience_s=2.0))
            for call in (PLAIN["openai"], PLAIN["anthropic"], PLAIN["gemini"]):
                got = await world.ask(call.provider, as_sent(call))  # under whatever was scheduled
                assert got.status < 500 or world.rows[-1].fault
        assert (await world.ask("openai", Sent("POST", "/_mock/reset", ()))).status == 200
        assert len(world.app.ledger) == 0
        assert (await world.ask("openai", as_sent(PLAIN["openai"]))).status == 200

    play(session())


@pytest.mark.parametrize("path", ["/_mock", "/_mock/", "/_mock//", "/_mock/nothing", "/_mock/../v1/models"])
@pytest.mark.parametrize("method", METHODS)
def test_no_method_on_no_path_fails(path: str, method: str) -> None:
    async def session() -> None:
        got = await World(PROFILE).ask("anthropic", Sent(method, path, ()))
        assert got.status in (200, 308, 404, 405)

    play(session())
