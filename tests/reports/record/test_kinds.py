"""The vocabulary of the record: each kind has one label, and no two kinds share one."""

import pytest

from reports.page.labels import attempt_kind, error_kind
from reports.record.kinds import (
    ANSWERED_WITHOUT_ATTEMPT,
    ATTEMPT_KINDS,
    ATTEMPT_LABELS,
    AUXILIARY_KINDS,
    CACHE_STATES,
    ERROR_KINDS,
    ERROR_LABELS,
)


def test_labels_cover_exactly_the_kinds_of_the_schema() -> None:
    assert tuple(ERROR_LABELS) == ERROR_KINDS
    assert tuple(ATTEMPT_LABELS) == ATTEMPT_KINDS
    assert [error_kind(kind) for kind in ERROR_KINDS] == list(ERROR_LABELS.values())
    assert [attempt_kind(kind) for kind in ATTEMPT_KINDS] == list(ATTEMPT_LABELS.values())


@pytest.mark.parametrize("labels", [ERROR_LABELS, ATTEMPT_LABELS])
def test_no_two_kinds_share_a_label(labels: dict[str, str]) -> None:
    assert all(labels.values())
    assert len(set(labels.values())) == len(labels)


def test_an_unknown_kind_is_shown_by_its_name() -> None:
    assert error_kind("solar_flare") == "solar flare"


def test_subsets_name_known_kinds() -> None:
    assert set(AUXILIARY_KINDS) < set(ATTEMPT_KINDS)
    assert set(ANSWERED_WITHOUT_ATTEMPT) < set(CACHE_STATES)
