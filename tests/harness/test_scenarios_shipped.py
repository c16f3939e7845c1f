"""Every scenario and stack that comes along can be played, and claims only what is measured."""

import pytest

from harness.spec.run_options import RunOptions
from harness.spec.run_spec import make_spec
from harness.spec.shipped import shipped_files
from harness.stack.assembly.options import load_stack_options
from reports.metrics import catalogue

CLAIMABLE = {metric.name for group in catalogue() for metric in group.metrics}
PLAYABLE = [name for name in shipped_files("scenarios") if name != "azure-hour"]


@pytest.mark.parametrize("name", PLAYABLE)
def test_a_shipped_scenario_is_complete(name: str) -> None:
    spec = make_spec(RunOptions(scenario=name, duration_s=60.0))
    assert spec.plan
    assert spec.claims
    assert {claim.metric for claim in spec.claims} <= CLAIMABLE


@pytest.mark.parametrize("name", shipped_files("stacks"))
def test_a_shipped_stack_is_complete(name: str) -> None:
    options = load_stack_options(shipped_files("stacks")[name], shipped_files("stacks"))
    assert options.title
    assert options.description
