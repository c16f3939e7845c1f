"""A ledger that spills to disk reads the same as one in memory."""

import tempfile
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_providers import Profile
from mock_providers.exchange.request_info import RequestInfo
from mock_providers.ledger.entry import Entry
from mock_providers.ledger.ledger import Ledger
from mock_providers.ledger.row import LedgerRow
from mock_providers.ledger.store import RowStore
from mock_providers.ledger.totals import OTHERS, Totals
from mock_providers.server.app import MockApp


def row(nth: int, **changes: Any) -> LedgerRow:
    asked = RequestInfo(
        "openai", "chat.completions", "us", f"call-{nth}/0", f"req_{nth}", "key-abc", "gpt-4o – ü\n"
    )
    made = Entry(asked, received=nth / 7).row(t0=0.1)
    values = {name: getattr(made, name) for name in made.__slots__} | {"input_tokens": nth, "status": 200}
    return LedgerRow(**values | changes)


def filled(rows: int, limit: int) -> Ledger:
    ledger = Ledger(max_rows_in_memory=limit)
    for nth in range(rows):
        ledger.append(row(nth, cost_nusd=nth * 2500, ended="complete" if nth % 3 else "error"))
    return ledger


def held(ledger: Ledger) -> RowStore[LedgerRow]:
    assert isinstance(ledger.rows, RowStore)
    return ledger.rows


def test_a_spilled_ledger_gives_the_bytes_of_one_in_memory() -> None:
    spilled, kept = filled(30_000, limit=1000), filled(30_000, limit=100_000)
    assert held(spilled).rows_on_disk >= 29_000
    assert held(kept).rows_on_disk == 0
    assert list(spilled.ndjson()) == list(kept.ndjson())
    assert list(spilled.ndjson(777, since=12_345)) == list(kept.ndjson(777, since=12_345))
    assert spilled.totals.as_dict() == kept.totals.as_dict()


def test_memory_never_holds_more_rows_than_the_limit() -> None:
    ledger = Ledger(max_rows_in_memory=10)
    for nth in range(100):
        ledger.append(row(nth))
        assert len(ledger) - held(ledger).rows_on_disk <= 10


def test_parts_are_bounded() -> None:
    parts = list(filled(2500, limit=600).ndjson(1000))
    assert [len(part.splitlines()) for part in parts] == [1000, 1000, 500]


@given(
    limit=st.integers(2, 12),
    rows=st.integers(0, 40),
    start=st.none() | st.integers(-45, 45),
    stop=st.none() | st.integers(-45, 45),
    step=st.none() | st.integers(-3, 3).filter(bool),
)
def test_rows_index_and_slice_like_a_list(
    limit: int, rows: int, start: int | None, stop: int | None, step: int | None
) -> None:
    ledger, expected = filled(rows, limit), list(filled(rows, limit=100).rows)
    assert list(ledger.rows) == expected
    assert ledger.rows[start:stop:step] == expected[start:stop:step]
    assert [ledger.rows[nth] for nth in range(-rows, rows)] == expected * 2
    for beyond in (rows, -rows - 1):
        with pytest.raises(IndexError):
            ledger.rows[beyond]


@given(
    limit=st.integers(2, 8),
    part=st.integers(1, 7),
    steps=st.lists(st.sampled_from(["append", "begin", "read"]), max_size=80),
)
def test_a_reader_sees_the_rows_of_when_it_began_whatever_is_appended_meanwhile(
    limit: int, part: int, steps: list[str]
) -> None:
    ledger, written = Ledger(max_rows_in_memory=limit), b""
    readers: list[tuple[bytes, Any, list[bytes]]] = []
    for step in steps:
        if step == "append":
            ledger.append(one := row(len(ledger)))
            written += orjson.dumps(one) + b"\n"
        elif step == "begin":
            readers.append((written, ledger.ndjson(part), []))
        else:
            for _, parts, got in readers:
                got.extend([data for data in (next(parts, b""),) if data])
    for expected, parts, got in readers:
        assert b"".join([*got, *parts]) == expected


@pytest.mark.parametrize("limit", [-1, 0, 1])
def test_a_limit_below_two_rows_is_refused_in_one_line(limit: int) -> None:
    with pytest.raises(ValueError, match=f"max_rows_in_memory: expected at least 2, got {limit}"):
        Ledger(max_rows_in_memory=limit)


def test_a_closed_ledger_has_no_rows_and_ends_who_reads_it() -> None:
    ledger = filled(100, limit=10)
    reading = ledger.ndjson(20)
    next(reading)
    ledger.close()
    assert (len(ledger), list(ledger.rows), b"".join(reading)) == (0, [], b"")
    ledger.append(row(1))
    assert ledger.rows[0] == row(1)


@pytest.fixture
def spill_files(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Record every temporary file that is opened."""
    opened: list[Any] = []
    real = tempfile.TemporaryFile

    def noted(**options: Any) -> Any:
        opened.append(real(**options))
        return opened[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", noted)
    return opened


def test_a_reset_frees_the_disk_once_nobody_reads(
    fast_profile: Callable[..., Profile], spill_files: list[Any]
) -> None:
    app = MockApp(fast_profile())
    app.run.ledger = filled(100, limit=10)
    expected = b"".join(app.ledger.ndjson())
    reading = app.ledger.ndjson(20)
    app.reset()
    assert len(app.ledger) == 0
    assert b"".join(reading) == expected
    del reading
    assert [file.closed for file in spill_files] == [True]


def test_a_full_disk_costs_memory_not_rows(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = filled(20, limit=10)
    before = held(ledger).rows_on_disk
    assert before > 0
    monkeypatch.setattr(held(ledger)._file, "write", lambda data: 1, raising=False)
    for nth in range(20, 60):
        ledger.append(row(nth))
    assert held(ledger).rows_on_disk == before
    assert [one.request_id for one in ledger.rows] == [f"req_{nth}" for nth in range(60)]
    assert [record.getMessage() for record in caplog.records] == [
        "ledger: cannot spill to disk, its rows stay in memory: disk full"
    ]


def test_totals_are_the_sums_of_the_rows() -> None:
    ledger = filled(1000, limit=50)
    told = ledger.totals.as_dict()
    rows = list(ledger.rows)
    assert told["by_ended"] == {"complete": 666, "error": 334}
    assert told["all"]["errors"] == 334
    assert told["by_status"] == {"200": 1000}
    assert told["by_fault"] == {"": 1000}
    (of,) = told["by_model"]
    assert (of["provider"], of["model"], of["requests"]) == ("openai", "gpt-4o – ü\n", 1000)
    assert of["cost_nusd"] == told["all"]["cost_nusd"] == sum(one.cost_nusd for one in rows)
    assert of["input_tokens"] == sum(one.input_tokens for one in rows)


def test_a_client_that_left_is_no_error() -> None:
    totals = Totals()
    for ended in ("complete", "client_closed", "reset", "hung", "error"):
        totals.add(row(0, ended=ended))
    assert totals.all.errors == 3


def test_clients_that_invent_models_cannot_fill_the_totals() -> None:
    totals = Totals()
    for nth in range(1000):
        totals.add(row(nth, model=f"{nth}-" + "x" * 5000))
    assert len(totals.by_model) <= 201
    assert totals.by_model["openai", OTHERS].requests == 800
    assert max(len(model) for _, model in totals.by_model) == 200
