"""The life cycle of a batch, as a pure function of the time."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mock_providers.batches.schedule import BatchOptions, BatchSchedule, schedule_batch
from mock_providers.exchange.draws import Draws

SECONDS = st.floats(0, 1000, allow_nan=False)
ORDER = {"validating": 0, "in_progress": 1, "finalizing": 2, "cancelling": 2}
FINAL = ("completed", "failed", "expired", "cancelled")


@st.composite
def schedules(draw: st.DrawFn) -> BatchSchedule:
    """Batch schedules: some with a short deadline, some cancelled, some with invalid input."""
    created = draw(SECONDS)
    options = BatchOptions.model_validate(
        {
            "validating_s": draw(SECONDS),
            "completion": {"kind": "lognormal", "median_s": draw(st.floats(0.1, 1000)), "sigma": 1.0},
            "finalizing_s": draw(SECONDS),
            "expires_s": draw(st.floats(0.1, 5000)),
        }
    )
    items = [Draws(draw(st.integers(0, 9))).under(nth) for nth in range(draw(st.integers(0, 12)))]
    schedule = schedule_batch(options, items, created, valid=bool(items))
    if draw(st.booleans()):
        schedule = schedule.cancel(created + draw(st.floats(0, 5000)))
    return schedule


def rank(schedule: BatchSchedule, now: float) -> int:
    return ORDER.get(schedule.phase(now), 3)


@given(schedules(), st.floats(0, 10_000))
def test_counts_always_sum_to_all_items_and_agree_with_each_items_fate(
    schedule: BatchSchedule, after_s: float
) -> None:
    now = schedule.created + after_s
    counts = schedule.counts(now)
    assert sum(counts) == len(schedule.due)
    fates = [schedule.item_state(item, now) for item in range(len(schedule.due))]
    assert [fates.count(name) for name in ("processing", "done", "expired", "canceled")] == list(counts)


@given(schedules(), st.lists(st.floats(0, 10_000), min_size=2, max_size=6))
def test_a_batch_only_ever_moves_on(schedule: BatchSchedule, after_s: list[float]) -> None:
    times = sorted(schedule.created + each for each in after_s)
    assert [rank(schedule, now) for now in times] == sorted(rank(schedule, now) for now in times)
    counts = [schedule.counts(now) for now in times]
    assert [each.done for each in counts] == sorted(each.done for each in counts)
    for item in range(len(schedule.due)):
        settled = [
            item_state for now in times if (item_state := schedule.item_state(item, now)) != "processing"
        ]
        assert len(set(settled)) <= 1


@given(schedules())
def test_every_batch_ends_with_nothing_left_to_do(schedule: BatchSchedule) -> None:
    assert schedule.phase(schedule.ends) in FINAL
    assert schedule.phase(schedule.ends) == schedule.phase(schedule.ends + 1e6)
    assert schedule.counts(schedule.ends).processing == 0
    assert schedule.ended(schedule.ends)


@given(schedules(), st.floats(0, 10_000))
def test_a_cancel_keeps_what_is_done_and_lets_nothing_more_be_done(
    schedule: BatchSchedule, after_s: float
) -> None:
    now = schedule.created + after_s
    cancelled = schedule.cancel(now)
    assert cancelled.counts(now).done == schedule.counts(now).done
    if cancelled is not schedule:
        assert cancelled.counts(cancelled.ends + 1e6).done == schedule.counts(now).done
        assert cancelled.outcome == "cancelled"
        assert cancelled.phase(cancelled.ends) == "cancelled"
        assert cancelled.cancel(now + 1) is cancelled


def batch(completion_s: float = 10.0, items: int = 3, *, valid: bool = True, **options: Any) -> BatchSchedule:
    given_options = BatchOptions.model_validate(
        {
            "validating_s": 5.0,
            "completion": {"kind": "constant", "value_s": completion_s},
            "finalizing_s": 2.0,
            **options,
        }
    )
    return schedule_batch(given_options, [Draws(0).under(nth) for nth in range(items)], 100.0, valid=valid)


def test_a_batch_is_validated_worked_off_put_together_and_completed() -> None:
    schedule = batch()
    phases = [schedule.phase(now) for now in (100.0, 104.9, 105.0, 114.9, 115.0, 116.9, 117.0)]
    assert phases == [
        "validating",
        "validating",
        "in_progress",
        "in_progress",
        "finalizing",
        "finalizing",
        "completed",
    ]


def test_what_is_not_done_by_the_deadline_expires() -> None:
    schedule = batch(completion_s=1000.0, expires_s=60.0)
    assert schedule.counts(159.9) == (3, 0, 0, 0)
    assert schedule.counts(160.0) == (0, 0, 3, 0)
    assert [schedule.phase(now) for now in (159.9, 160.0, 162.0)] == ["in_progress", "finalizing", "expired"]


def test_a_bad_input_fails_the_batch_when_it_has_been_validated() -> None:
    schedule = batch(items=0, valid=False)
    assert [schedule.phase(now) for now in (104.9, 105.0)] == ["validating", "failed"]


def test_a_batch_can_be_cancelled_while_it_is_validated_and_not_once_its_items_are_done() -> None:
    early = batch().cancel(101.0)
    assert [early.phase(now) for now in (101.0, 103.0)] == ["cancelling", "cancelled"]
    assert early.counts(101.0) == (0, 0, 0, 3)
    schedule = batch()
    assert schedule.cancel(115.0) is schedule


def test_completion_times_are_drawn_for_each_item_by_its_identity() -> None:
    options = BatchOptions()
    first = schedule_batch(options, [Draws(1).under("a"), Draws(1).under("b")], 0.0)
    second = schedule_batch(options, [Draws(1).under("b"), Draws(1).under("a")], 0.0)
    assert first.due == second.due[::-1]
    assert first.due[0] != first.due[1]
