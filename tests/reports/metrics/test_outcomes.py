"""Whole, wrong, lost and paid twice, on calls and bills that can be counted by hand."""

from pathlib import Path
from typing import Any

import pytest

from reports.analysis.analyse import analyse
from reports.analysis.summary import Summary
from reports.metrics.outcomes import fault_name, fault_windows
from reports.page.by_fault import by_fault_lines
from reports.page.html import render
from reports.record.manifest import Fault
from tests.reports.synthetic import call, failed_call, failed_ledger_row, ledger_row, run_of

NO_DELTA = {"kind": "odd_chunk", "variant": "no_delta", "from_s": 0.0, "to_s": 10.0}
CONFLICT = {"kind": "http_error", "variant": "plain", "status": 409, "from_s": 10.0, "to_s": 20.0}
FAULTS = [
    {**NO_DELTA, "provider": "openai"},
    {**NO_DELTA, "provider": "anthropic"},
    {**CONFLICT, "provider": "openai"},
]


def summary(path: Path, faults: list[dict[str, Any]]) -> Summary:
    """Six calls: whole, wrong, unjudged, failed, filtered, and one between the faults' windows."""
    calls = [
        call("a", planned_s=1.0, answer_right=True),
        call("b", planned_s=2.0, answer_right=False),
        call("c", planned_s=3.0, answer_right=None),
        failed_call("d", planned_s=11.0),
        call("e", planned_s=12.0, answer_right=False, outcome="filtered"),
        call("f", planned_s=25.0, answer_right=True),
    ]
    ledger = [
        ledger_row("a/1", received_s=1.0, prompt_digest="p1"),
        ledger_row("a/2", received_s=1.5, prompt_digest="p2"),  # a continuation is another prompt
        failed_ledger_row("b/1", received_s=2.0),
        ledger_row("b/2", received_s=2.1),
        ledger_row(None, request_id="r1", received_s=12.0, prompt_digest="same"),
        ledger_row(None, request_id="r2", received_s=12.5, prompt_digest="same"),
        ledger_row(None, request_id="r3", received_s=13.0, prompt_digest="another"),
    ]
    return analyse(run_of(path, calls, ledger=ledger, faults=faults)).summary


def test_a_call_is_whole_wrong_or_lost(tmp_path: Path) -> None:
    found = summary(tmp_path, FAULTS)
    rates = [found.value("full", name) for name in ("whole_rate", "wrong_rate", "lost_rate")]
    assert rates == pytest.approx([3 / 6, 1 / 6, 2 / 6])


def test_a_call_is_paid_twice_when_two_of_its_requests_are_billed(tmp_path: Path) -> None:
    """By its id, or without one by its prompt; a refusal is free."""
    assert summary(tmp_path, FAULTS).value("full", "paid_twice_rate") == pytest.approx(2 / 6)


def test_outcomes_are_counted_by_the_fault_of_their_time(tmp_path: Path) -> None:
    lines = by_fault_lines(summary(tmp_path, FAULTS))
    assert [(line.label, line.cells) for line in lines] == [
        ("odd_chunk no_delta", ("2/1/0/1",)),
        ("http_error 409", ("0/0/2/1",)),
        ("all of them", ("2/1/2/2",)),
    ]


def test_the_page_has_the_same_table(tmp_path: Path) -> None:
    calls = [call("a", planned_s=1.0), call("b", planned_s=12.0)]
    page = render(analyse(run_of(tmp_path, calls, faults=FAULTS)))
    assert "Outcomes by fault" in page
    assert "1/0/0/-" in page  # without a ledger nobody knows what was paid


@pytest.mark.parametrize(
    "faults",
    [
        [],
        FAULTS[:1],
        [*FAULTS, {"kind": "hang", "from_s": 30.0}],
        [*FAULTS, {"kind": "hang", "from_s": 15.0, "to_s": 25.0}],
    ],
    ids=["none", "one", "no end", "overlap"],
)
def test_faults_that_do_not_come_one_after_another_are_not_told_apart(
    faults: list[dict[str, Any]], tmp_path: Path
) -> None:
    found = summary(tmp_path, faults)
    assert by_fault_lines(found) == []
    assert found.subjects["full"].metrics["whole_by_fault"] is None
    assert found.value("full", "whole_rate") == pytest.approx(3 / 6)


def test_faults_of_one_window_have_one_name_and_one_name_may_have_two_windows() -> None:
    cut = {"kind": "reset", "provider": "openai"}
    refused = {"kind": "http_error", "variant": "prefill"}
    windows = ({"from_s": 0.0, "to_s": 1.0}, {"from_s": 2.0, "to_s": 3.0})
    faults = [Fault.model_validate({**each, **at}) for at in windows for each in (cut, refused)]
    assert fault_windows(faults) == {"reset + http_error prefill": [(0.0, 1.0), (2.0, 3.0)]}


def test_a_fault_is_named_by_what_tells_it_apart() -> None:
    assert fault_name(Fault.model_validate({"kind": "hang"})) == "hang"
    likeness = {"kind": "http_error", "status": 429, "sent_status": 200, "variant": "plain"}
    assert fault_name(Fault.model_validate(likeness)) == "http_error 429 as 200"
