"""Faults: the requests they hit, and their effect on the plan. No sockets here."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_providers import FaultError, Profile, describe_faults, load_profile, parse_faults
from mock_providers.exchange.draws import Draws
from mock_providers.faults import KINDS, apply_faults, matching_faults
from mock_providers.faults.base import FaultBase, Refusals, Target
from mock_providers.faults.brownout import Brownout
from mock_providers.faults.hang import Hang
from mock_providers.faults.http_error import HttpError
from mock_providers.faults.outage import Outage
from mock_providers.faults.reset import Reset
from mock_providers.plan import Piece, Plan
from mock_providers.wire.anthropic.errors import AnthropicErrors
from mock_providers.wire.openai.errors import OpenAIErrors

OPENAI = Refusals(OpenAIErrors("org-x"), 0.02)
ANTHROPIC = Refusals(AnthropicErrors(), 0.02)
NEEDED: dict[str, dict[str, Any]] = {"region_outage": {"region": "us"}}
KINDS_KNOWN = [
    "outage",
    "region_outage",
    "http_error",
    "key_revoked",
    "retired",
    "refuse",
    "hang",
    "brownout",
    "slow_first_token",
    "slow_drip",
    "stall",
    "reset",
    "truncate",
    "malformed_json",
    "malformed_sse",
    "in_band_error",
    "html_200",
    "quality_loss",
    "cache_wipe",
    "clock_skew",
    "deprecated",
    "odd_chunk",
    "odd_usage",
    "odd_tool_call",
    "odd_framing",
    "odd_finish",
    "broken_end",
    "reasoning",
    "early_headers",
    "keep_alive_close",
]
PLAN = Plan(
    status=200,
    ends="complete",
    ends_s=3.0,
    headers_s=1.0,
    pieces=(Piece(1.0, "abcdefgh", 2), Piece(2.0, "ijkl", 1), Piece(3.0, "mn", 1)),
    ttft_s=1.0,
    input_tokens=7,
    answer="right",
)


def strike(
    *faults: FaultBase, refusals: Refusals = OPENAI, t_s: float = 5.0, seed: int = 0, plan: Plan = PLAN
) -> Plan:
    target = Target("openai", "gpt-4o", "chat.completions", "key-1", "us")
    return apply_faults(matching_faults(faults, target, t_s, Draws(seed), Counter()), plan, refusals)


def test_an_outage_refuses_in_the_providers_own_words() -> None:
    openai, anthropic = strike(Outage()), strike(Outage(), refusals=ANTHROPIC)
    assert openai.problem is not None
    assert (openai.status, openai.problem.name, openai.headers_s) == (503, "server_is_overloaded", 0.02)
    assert anthropic.problem is not None
    assert (anthropic.status, anthropic.problem.name) == (529, "overloaded_error")
    assert (openai.billable, openai.pieces, openai.fault) == (False, (), "outage")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 418, 429, 500, 502, 503, 529, 530, 599])
@pytest.mark.parametrize("refusals", [OPENAI, ANTHROPIC])
def test_an_http_error_has_the_status_asked_for(status: int, refusals: Refusals) -> None:
    plan = strike(HttpError(status=status), refusals=refusals)
    assert plan.problem is not None
    assert (plan.status, plan.problem.status, plan.ends) == (status, status, "error")


def test_a_brownout_moves_the_first_token_and_stretches_the_rest() -> None:
    plan = strike(Brownout(extra_s=10.0, slowdown=3.0))
    assert [piece.due_s for piece in plan.pieces] == [11.0, 14.0, 17.0]
    assert (plan.headers_s, plan.ends_s, plan.ttft_s, plan.fault) == (11.0, 17.0, 11.0, "brownout")
    assert plan.text == PLAN.text
    assert plan.ends == "complete"


def test_a_hang_sends_nothing_and_costs_nothing() -> None:
    plan = strike(Hang(hold_s=60.0))
    assert (plan.status, plan.headers_s, plan.ends, plan.ends_s, plan.billable) == (
        0,
        None,
        "hung",
        60.0,
        False,
    )
    assert plan.to_send == ()


@pytest.mark.parametrize(
    ("after", "kept", "cut_s"), [(0, 0, 1.0), (1, 1, 2.0), (2, 2, 3.0), (3, 3, 3.0), (9, 3, 3.0)]
)
def test_a_reset_comes_when_the_next_chunk_is_due(after: int, kept: int, cut_s: float) -> None:
    plan = strike(Reset(after_chunks=after))
    assert (len(plan.to_send), plan.ends, plan.ends_s) == (kept, "reset", cut_s)
    assert plan.pieces == PLAN.pieces
    assert plan.billable


def test_the_first_fault_that_decides_the_fate_is_the_last_to_act() -> None:
    plan = strike(Brownout(extra_s=1.0), Outage(), Hang(), Reset())
    assert (plan.fault, plan.ends) == ("outage", "error")
    assert strike(Brownout(extra_s=1.0), Reset(after_chunks=1)).ends_s == 3.0


@pytest.mark.parametrize(
    ("t_s", "struck"), [(0.0, False), (7.999, False), (8.0, True), (17.999, True), (18.0, False)]
)
def test_a_fault_strikes_within_its_window_only(t_s: float, struck: bool) -> None:
    assert (strike(Outage(from_s=8.0, to_s=18.0), t_s=t_s).ends == "error") is struck


def test_a_fault_strikes_its_provider_and_model_only() -> None:
    assert strike(Outage(provider="anthropic")) == PLAN
    assert strike(Outage(model="gpt-4o-mini")) == PLAN
    assert strike(Outage(provider="openai", model="gpt-4o")).fault == "outage"


def test_the_probability_is_the_share_of_requests_struck() -> None:
    struck = sum(strike(HttpError(probability=0.3), seed=seed).ends == "error" for seed in range(5000))
    assert struck / 5000 == pytest.approx(0.3, abs=0.03)


@given(st.integers(0, 500))
def test_a_fault_of_another_kind_does_not_change_who_is_struck(seed: int) -> None:
    alone = strike(HttpError(probability=0.5), seed=seed).fault
    together = strike(Brownout(extra_s=1.0, probability=0.5), HttpError(probability=0.5), seed=seed).fault
    assert (alone == "http_error") is (together == "http_error")


def test_two_faults_of_a_kind_draw_apart() -> None:
    pair = (HttpError(status=500, probability=0.5), HttpError(status=502, probability=0.5))
    struck = [strike(*pair, seed=seed).status for seed in range(400)]
    assert {200, 500, 502} == set(struck)


def test_a_fault_does_not_change_the_plan_it_was_given() -> None:
    before = replace(PLAN)
    for cls in KINDS.values():
        kind = cls.model_fields["kind"].default
        strike(cls(kind=kind, **NEEDED.get(kind, {})))
    assert before == PLAN


def test_every_kind_is_registered_under_its_name_with_one_line() -> None:
    assert list(describe_faults()) == KINDS_KNOWN
    for kind, line in describe_faults().items():
        assert KINDS[kind](kind=kind, **NEEDED.get(kind, {})).kind == kind
        assert line
        assert "\n" not in line


def test_a_schedule_is_read_with_canonical_model_ids() -> None:
    page = load_profile("typical")
    (fault,) = parse_faults([{"kind": "outage", "model": "claude-sonnet", "from_s": 8, "to_s": 18}], page)
    assert fault == Outage(model="claude-sonnet-4-5", from_s=8.0, to_s=18.0)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"kind": "outage"}, "faults: expected a list"),
        (["outage"], "faults.0: expected an object"),
        (
            [{"kind": "quake"}],
            "faults.0.kind: expected one of outage, region_outage, http_error, ",
        ),
        ([{}], "faults.0.kind: expected one of"),
        ([{"kind": "outage"}, {"kind": "hang", "hold": 1}], "faults.1.hold: unknown key"),
        ([{"kind": "outage", "from_s": 5, "to_s": 5}], "faults.0.to_s: expected more than from_s (5), got 5"),
        ([{"kind": "outage", "from_s": "soon"}], "faults.0.from_s: "),
        ([{"kind": "outage", "probability": 2}], "faults.0.probability: "),
        ([{"kind": "http_error", "status": 200}], "faults.0.status: "),
        ([{"kind": "outage", "provider": "opena1"}], "faults.0.provider: expected one of openai"),
        (
            [{"kind": "outage", "provider": "openai", "model": "claude-sonnet"}],
            "faults.0.model: expected one of gpt",
        ),
    ],
)
def test_a_wrong_schedule_is_refused_in_one_line_that_names_the_key(data: object, expected: str) -> None:
    with pytest.raises(FaultError) as refused:
        parse_faults(data, load_profile("typical"))
    assert str(refused.value).startswith(expected)
    assert "\n" not in str(refused.value)


def test_a_model_alone_is_looked_up_at_every_provider(fast_profile: Callable[..., Profile]) -> None:
    (fault,) = parse_faults([{"kind": "reset", "model": "gpt-4o-2024-08-06"}], fast_profile())
    assert (fault.provider, fault.model) == (None, "gpt-4o")
