"""The fields of a schedule decide which requests a fault hits, for every kind of fault."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_providers import FaultError, Profile, load_profile, parse_faults
from mock_providers.exchange.draws import Draws
from mock_providers.exchange.keys import key_id
from mock_providers.exchange.names import EndpointName
from mock_providers.faults import KINDS, matching_faults
from mock_providers.faults.base import FaultBase, Target
from mock_providers.faults.html_200 import Html200

KEY = "sk-one"
TARGET = Target("openai", "gpt-4o", "chat.completions", key_id(KEY), "us")
NEEDED: dict[str, dict[str, Any]] = {"region_outage": {"region": "us"}}
LASTING = ("cache_wipe",)  # what is lost stays lost, past to_s too

every_kind = pytest.mark.parametrize("kind", KINDS)
kinds = st.sampled_from(list(KINDS))


def fault(kind: str, **fields: Any) -> FaultBase:
    return KINDS[kind].model_validate({"kind": kind, **NEEDED.get(kind, {}), **fields})


def who_is_struck(one: FaultBase, requests: Iterable[tuple[Target, float]]) -> list[bool]:
    """Whether the fault hits each of these requests to one provider, in this order."""
    counts: Counter[int] = Counter()
    return [
        bool(matching_faults((one,), target, t_s, Draws(0).under(nth), counts))
        for nth, (target, t_s) in enumerate(requests)
    ]


def hits(one: FaultBase, n: int, t_s: float = 5.0) -> list[bool]:
    """The same for `n` equal requests with different draws."""
    return who_is_struck(one, [(TARGET, t_s)] * n)


@every_kind
def test_a_fault_without_fields_strikes_every_request(kind: str) -> None:
    assert hits(fault(kind), 5, t_s=0.0) == [True] * 5


@every_kind
@pytest.mark.parametrize(
    ("field", "own", "others"),
    [
        ("provider", "openai", ("anthropic", "together", "gemini")),
        ("model", "gpt-4o", ("gpt-4o-mini", "o", None)),
        ("endpoint", "chat.completions", get_args(EndpointName)[1:]),
        ("key", KEY, ("sk-two", "")),
    ],
)
def test_a_field_aims_at_its_own_and_at_nobody_else(
    kind: str, field: str, own: str, others: tuple[str | None, ...]
) -> None:
    aimed = fault(kind, **{field: own})
    assert who_is_struck(aimed, [(TARGET, 5.0)]) == [True]
    place = "key_id" if field == "key" else field
    for other in others:
        value = key_id(other or "") if field == "key" else other
        stranger = Target(**{**TARGET._asdict(), place: value})
        assert who_is_struck(aimed, [(stranger, 5.0)]) == [False]


@every_kind
def test_a_key_may_be_named_as_the_ledger_names_it(kind: str) -> None:
    aimed = fault(kind, key=key_id(KEY))
    assert who_is_struck(aimed, [(TARGET, 5.0), (TARGET._replace(key_id=key_id("sk-two")), 5.0)]) == [
        True,
        False,
    ]


@every_kind
def test_a_fault_begins_at_from_s_and_is_over_at_to_s(kind: str) -> None:
    times = (0.0, 7.999, 8.0, 12.0, 17.999, 18.0, 1e6)
    open_ended = fault(kind, from_s=8.0)
    windowed = fault(kind, from_s=8.0, to_s=18.0)
    after = [False, False, True, True, True]
    assert who_is_struck(open_ended, [(TARGET, t_s) for t_s in times]) == [*after, True, True]
    assert who_is_struck(windowed, [(TARGET, t_s) for t_s in times]) == [*after, *[kind in LASTING] * 2]


@every_kind
@given(first=st.integers(1, 12), every=st.integers(1, 5))
def test_first_and_every_count_the_requests_that_match_and_no_others(
    kind: str, first: int, every: int
) -> None:
    one = fault(kind, first=first, every=every, model="gpt-4o", from_s=1.0)
    stranger = TARGET._replace(model="gpt-4o-mini")
    requests = [(TARGET, 0.5), *[each for _ in range(15) for each in ((stranger, 2.0), (TARGET, 2.0))]]
    found = who_is_struck(one, requests)
    assert not any(found[0::2][:1] + found[1::2])
    assert found[2::2] == [nth < first and nth % every == 0 for nth in range(15)]


@every_kind
def test_a_probability_is_the_share_that_is_struck(kind: str) -> None:
    n = 4000
    for share in (0.0, 0.1, 0.5, 1.0):
        found = sum(hits(fault(kind, probability=share), n)) / n
        assert abs(found - share) <= 4 * (share * (1 - share) / n) ** 0.5


@every_kind
def test_a_probability_goes_to_probability_to_in_a_straight_line(kind: str) -> None:
    n = 4000
    one = fault(kind, probability=0.2, probability_to=0.8, from_s=10.0, to_s=110.0)
    for t_s, share in ((10.0, 0.2), (35.0, 0.35), (60.0, 0.5), (109.99, 0.8)):
        found = sum(hits(one, n, t_s)) / n
        assert abs(found - share) <= 4 * (share * (1 - share) / n) ** 0.5
    assert hits(one, 3, 9.99) == [False] * 3
    assert set(hits(one, n, 110.0)) == ({False, True} if kind in LASTING else {False})


@given(kind=kinds, share=st.floats(0, 1), seed=st.integers(0, 99))
def test_who_is_struck_at_a_low_probability_is_struck_at_a_higher_one(
    kind: str, share: float, seed: int
) -> None:
    draws, counts = Draws(seed), Counter[int]()
    low = matching_faults((fault(kind, probability=share / 2),), TARGET, 5.0, draws, counts)
    high = matching_faults((fault(kind, probability=share),), TARGET, 5.0, draws, Counter())
    assert len(low) <= len(high)


@given(st.lists(kinds, min_size=1, max_size=6), st.integers(0, 99))
def test_a_schedule_strikes_with_each_of_its_faults_as_if_the_kind_stood_alone(
    scheduled: list[str], seed: int
) -> None:
    """Faults of different kinds: two of one kind draw independently."""
    different = [fault(kind, probability=0.5) for kind in dict.fromkeys(scheduled)]
    together = matching_faults(different, TARGET, 5.0, Draws(seed), Counter())
    alone = [one for one in different if matching_faults((one,), TARGET, 5.0, Draws(seed), Counter())]
    assert list(together) == alone


def test_each_fault_counts_its_own_requests() -> None:
    counts: Counter[int] = Counter()
    schedule = (fault("outage", first=2), fault("hang", every=3, from_s=1.0))
    seen = [matching_faults(schedule, TARGET, t_s, Draws(0), counts) for t_s in (0.0, 1.0, 2.0, 3.0, 4.0)]
    assert [[one.kind for one in each] for each in seen] == [["outage"], ["outage", "hang"], [], [], ["hang"]]


@every_kind
def test_every_field_survives_the_way_through_a_schedule(kind: str) -> None:
    fields = {
        "provider": "openai",
        "model": "gpt-4o",
        "endpoint": "chat.completions",
        "key": KEY,
        "from_s": 1.5,
        "to_s": 9.5,
        "first": 7,
        "every": 2,
        "probability": 0.25,
        "probability_to": 0.75,
    }
    (read,) = parse_faults([{"kind": kind, **NEEDED.get(kind, {}), **fields}], load_profile("typical"))
    assert {name: getattr(read, name) for name in fields} == fields
    assert parse_faults([read.model_dump(mode="json")], load_profile("typical")) == (read,)


@every_kind
@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"endpoint": "chat"}, "faults.0.endpoint: "),
        ({"key": ""}, "faults.0.key: "),
        ({"first": 0}, "faults.0.first: "),
        ({"every": 0}, "faults.0.every: "),
        ({"probability": -0.1}, "faults.0.probability: "),
        ({"probability_to": 1.1, "to_s": 5.0}, "faults.0.probability_to: "),
        ({"probability_to": 0.5}, "faults.0.probability_to: expected a to_s to go with it"),
        ({"from_s": -1.0}, "faults.0.from_s: "),
        ({"to_s": 0.0}, "faults.0.to_s: "),
        ({"model": "gpt-5"}, "faults.0.model: expected one of gpt-"),
        ({"provider": "openai", "model": "gpt-5"}, "faults.0.model: expected one of gpt-"),
        ({"provider": "azure"}, "faults.0.provider: expected one of openai, "),
        ({"until_s": 5.0}, "faults.0.until_s: unknown key"),
    ],
)
def test_a_wrong_field_is_refused_in_one_line_that_names_it(
    kind: str, fields: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(FaultError) as refused:
        parse_faults([{"kind": kind, **NEEDED.get(kind, {}), **fields}], load_profile("typical"))
    assert str(refused.value).startswith(complaint)
    assert "\n" not in str(refused.value)


def test_an_embedding_model_can_be_aimed_at_too(fast_profile: Callable[..., Profile]) -> None:
    (aimed,) = parse_faults([{"kind": "outage", "model": "text-embedding-3-small"}], load_profile("typical"))
    assert aimed.model == "text-embedding-3-small"
    with pytest.raises(FaultError, match="expected one of gpt-4o, claude-sonnet-4-5, llama-3-70b, got"):
        parse_faults([{"kind": "outage", "model": "text-embedding-3-small"}], fast_profile())


@pytest.mark.parametrize("status", [204, 205, 304])
def test_a_page_is_not_sent_with_a_status_that_has_no_body(status: int) -> None:
    with pytest.raises(FaultError, match=r"^faults\.0\.status: .*a status whose responses have a body"):
        parse_faults([{"kind": "html_200", "status": status}], load_profile("typical"))


@pytest.mark.parametrize("status", [200, 203, 206, 302, 404, 502])
def test_a_page_is_sent_with_any_other_status(status: int) -> None:
    assert Html200(status=status).status == status


@pytest.mark.parametrize("status", [199, 200, 204, 304, 399, 600])
@pytest.mark.parametrize("kind", ["http_error", "in_band_error"])
def test_an_error_has_an_error_status(kind: str, status: int) -> None:
    with pytest.raises(FaultError, match=r"^faults\.0\.status: "):
        parse_faults([{"kind": kind, "status": status}], load_profile("typical"))
