"""Scenario `quirks`: every oddity once, one after another, in a table that 80 columns hold."""

from rich.console import Console

from harness.commands.console import by_fault_table
from harness.spec.run_options import RunOptions
from harness.spec.run_spec import make_spec
from mock_providers.faults import KINDS
from reports.metrics.outcomes import fault_windows
from reports.page.sections import Line
from reports.record.manifest import Fault
from tests.mock_providers.quirks.odd_replies import variants

SPEC = make_spec(RunOptions(scenario="quirks"))
FAULTS = [Fault.model_validate(fault) for fault in SPEC.faults]
NOT_ASKED = ("odd_tool_call",)
"""No workload asks for tools."""


def test_every_variant_of_every_oddity_is_played() -> None:
    played = {(fault.kind, (fault.model_extra or {}).get("variant")) for fault in FAULTS}
    odd = [kind for kind, cls in KINDS.items() if ".quirks." in cls.__module__ and kind not in NOT_ASKED]
    assert len(odd) == 8
    for kind in odd:
        named = variants(kind) if "variant" in KINDS[kind].model_fields else (None,)
        assert {variant for played_kind, variant in played if played_kind == kind} == set(named)


def test_the_oddities_come_one_after_another() -> None:
    windows = fault_windows(FAULTS)
    assert windows is not None
    assert len(windows) == 55
    assert max(end for of in windows.values() for _, end in of) <= SPEC.scenario.duration_s


def test_the_table_reads_at_80_columns() -> None:
    names = [subject.name for subject in SPEC.subjects]
    windows = fault_windows(FAULTS) or {}
    lines = [Line(name, ("16/16/16/16",) * len(names)) for name in windows]
    console = Console(width=80)
    with console.capture() as shown:
        console.print(by_fault_table(names, lines))
    text = shown.get()
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    assert text.count("16/16/16/16") == len(names) * len(windows)
