"""The mock with openai 3 and anthropic 2, the SDKs installed beside the tests."""

import sys
from collections.abc import Callable

import pytest

from tests.sdks.conformance import CHECKS
from tests.sdks.outcomes import Outcomes, outcomes_with
from tests.sdks.versions_summary import PROPERTY

RecordProperty = Callable[[str, object], None]


@pytest.fixture(scope="module")
def outcomes() -> Outcomes:
    """Run all checks once."""
    return outcomes_with(sys.executable)


def test_the_sdks_are_the_current_ones(outcomes: Outcomes, record_property: RecordProperty) -> None:
    record_property(PROPERTY, str(outcomes))
    assert (outcomes.major("openai"), outcomes.major("anthropic")) >= (3, 2)
    assert set(outcomes.failures) == set(CHECKS)


@pytest.mark.parametrize("check", CHECKS)
def test_check(check: str, outcomes: Outcomes) -> None:
    outcomes.judge(check)
