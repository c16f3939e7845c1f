"""The mock with openai 2 and anthropic 0, in a virtual environment made for these tests."""

from collections.abc import Callable

import pytest

from tests.sdks.conformance import CHECKS
from tests.sdks.outcomes import Outcomes, outcomes_with
from tests.sdks.side_environment import CannotInstall, shared_folder, side_python
from tests.sdks.versions_summary import PROPERTY

RecordProperty = Callable[[str, object], None]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """Run all checks once; skips when the SDKs cannot be installed."""
    try:
        python = side_python(shared_folder(tmp_path_factory.getbasetemp()))
    except CannotInstall as error:
        pytest.skip(str(error))
    return outcomes_with(python)


def test_the_sdks_are_the_previous_ones(outcomes: Outcomes, record_property: RecordProperty) -> None:
    record_property(PROPERTY, str(outcomes))
    assert (outcomes.major("openai"), outcomes.major("anthropic"), outcomes.major("httpx")) == (2, 0, 0)
    assert set(outcomes.failures) == set(CHECKS)


@pytest.mark.parametrize("check", CHECKS)
def test_check(check: str, outcomes: Outcomes) -> None:
    outcomes.judge(check)
