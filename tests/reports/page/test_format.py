import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.metrics.basis.registry import Unit
from reports.page import format as text
from reports.page import labels as words
from reports.record.manifest import Fault


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [
        (None, "share", "–"),
        (math.inf, "s", "∞"),
        (0.6517, "share", "65.2 %"),
        (1.0, "share", "100 %"),
        (0.0, "share", "0 %"),
        (0.9996, "share", "99.96 %"),
        (0.999951, "share", "99.995 %"),
        (0.0002, "share", "0.02 %"),
        (0.0, "s", "0 s"),
        (0.412, "s", "412 ms"),
        (0.0123, "s", "12.3 ms"),
        (0.00123, "s", "1.23 ms"),
        (1.5, "s", "1.50 s"),
        (0.9999, "s", "1.00 s"),
        (132.04, "s", "132.0 s"),
        (0, "usd", "$0"),
        (1234.5, "usd", "$1,234.50"),
        (0.01234, "usd", "$0.0123"),
        (-0.0000025, "usd", "−$0.00000250"),
        (1e-9, "usd", "$0.000000001"),
        (19366, "count", "19,366"),
        (1.4133, "ratio", "1.41"),
        (20, "per_s", "20.00/s"),
    ],
)
def test_numbers_are_written_with_few_digits_and_their_unit(
    value: float | None, unit: Unit, written: str
) -> None:
    assert text.number(value, unit) == written


@given(st.floats(1e-5, 1 - 1e-5))
def test_a_share_is_never_rounded_to_all_or_nothing(value: float) -> None:
    assert text.percent(value) not in ("0", "100")
    assert 0 < float(text.percent(value)) < 100
    assert float(text.percent(value)) == pytest.approx(value * 100, abs=0.0501)


def test_neighbours_in_a_row_share_one_scale() -> None:
    assert [text.number(value, "s", (0.4, 1.5)) for value in (0.4, 1.5)] == ["0.40 s", "1.50 s"]


@pytest.mark.parametrize(
    ("ends", "unit", "written"),
    [
        ((0.613, 0.689), "share", "61.3–68.9 %"),
        ((0.9936, 1.0), "share", "99.4–100 %"),
        ((0.4, 0.5), "s", "400–500 ms"),
        ((0.4, None), "s", "≥ 400 ms"),
        ((None, 1.5), "s", "≤ 1.50 s"),
        ((None, None), "s", None),
        (None, "s", None),
    ],
)
def test_intervals_are_written_once_with_their_unit(
    ends: tuple[float | None, float | None] | None, unit: Unit, written: str | None
) -> None:
    assert text.interval(ends, unit) == written


def test_lists_and_articles_read_as_sentences_do() -> None:
    assert text.joined(["a"]) == "a"
    assert text.joined(["a", "b", "c"]) == "a, b and c"
    assert [text.article(number) for number in ("10", "8", "80", "11", "18", "110")] == [
        "a",
        "an",
        "an",
        "an",
        "an",
        "a",
    ]
    assert (text.plural(1, "call"), text.plural(1200, "call")) == ("1 call", "1,200 calls")


def test_faults_are_named_as_people_name_them() -> None:
    base: dict[str, Any] = {
        "kind": "outage",
        "provider": "openai",
        "model": None,
        "from_s": 8.0,
        "to_s": 18.0,
        "probability": 1.0,
    }
    assert words.fault(Fault(**base)) == "OpenAI outage"
    assert (
        words.fault(Fault(**{**base, "kind": "http_error", "probability": 0.05}))
        == "OpenAI http error, 5 % of requests"
    )
    assert words.fault(Fault(**{**base, "kind": "reset", "model": "gpt-4o"})) == "gpt-4o stream resets"
    assert words.fault(Fault(**{**base, "provider": None})) == "outage"


def test_fault_windows_end_with_the_run_and_like_windows_share_a_label() -> None:
    base: dict[str, Any] = {
        "kind": "outage",
        "provider": "openai",
        "model": None,
        "from_s": 8.0,
        "to_s": None,
        "probability": 1.0,
    }
    later = {**base, "from_s": 40.0}
    faults = [Fault(**each) for each in (base, {**base, "provider": "together"}, later)]
    assert words.fault_windows(faults, 30.0) == [(8.0, 30.0, "OpenAI outage + Together outage")]


def test_many_faults_at_once_share_a_label_that_stays_short() -> None:
    faults = [Fault(kind="reset", probability=0.02)] * 13
    [(start, stop, label)] = words.fault_windows(faults, 60.0)
    assert (start, stop) == (0.0, 60.0)
    assert label.endswith("+ 12 more")
