"""The mock as openai 2 and anthropic 0 see it, in an environment that is made for it."""

from collections.abc import Callable

import pytest

from tests.sdks.conformance import CHECKS
from tests.sdks.outcomes import Outcomes, outcomes_with
from tests.sdks.side_environment import CannotInstall, shared_folder, side_python
from tests.sdks.versions_told import PROPERTY

RecordProperty = Callable[[str, object], None]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """All checks at once; skips where nothing can be installed."""
    try:
        python = side_python(shared_folder(tmp_path_factory.getbasetemp()))
    except CannotInstall as error:
        pytest.skip(str(error))
    return outcomes_with(python)


def test_the_sdks_are_those_of_yesterday(outcomes: Outcomes, record_property: RecordProperty) -> None:
    record_property(PROPERTY, str(outcomes))
    assert (outcomes.major("openai"), outcomes.major("anthropic"), outcomes.major("httpx")) == (2, 0, 0)
    assert set(outcomes.failures) == set(CHECKS)


@pytest.mark.parametrize("check", CHECKS)
def test_yesterday(check: str, outcomes: Outcomes) -> None:
    outcomes.judge(check)
