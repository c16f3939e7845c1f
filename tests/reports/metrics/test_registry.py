"""A metric is registered once, where it is computed: adding one touches one file."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reports.metrics import METRICS, catalogue, metric
from reports.metrics.basis.registry import GROUPS
from tests.paths import ROOT

NEW_MODULE = '''
from .basis.facts import Facts
from .basis.measures import Rate
from .basis.registry import ANSWERS, metric


@metric("refusal_rate", group=ANSWERS, label="Refusals", unit="share", better="lower", after="coalesced_rate")
def refusal_rate(facts: Facts) -> Rate:
    """Answers of a single token, of calls sent."""
    return Rate(int((facts.calls["output_tokens"] == 1).sum()), len(facts.calls))
'''

PROGRAM = """
import sys
from pathlib import Path
from reports.analysis.analyse import analyse
from reports.page.html import render
from reports.page.table import kpi_rows
from tests.reports.synthetic import call, run_of

analysis = analyse(run_of(Path(sys.argv[1]), [call("a", output_tokens=1), call("b")]))
rows = {row.metric: row for row in kpi_rows(analysis.summary)}
print(list(rows).index("refusal_rate") - list(rows).index("quality_rate"))
print(rows["refusal_rate"].label, rows["refusal_rate"].cells[0].text)
print("Answers of a single token, of calls sent." in render(analysis))
"""


def test_a_metric_in_a_new_module_is_in_summary_table_and_page_without_another_file(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "reports", tmp_path / "reports", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tests" / "reports").mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "reports" / "synthetic.py", tmp_path / "tests" / "reports")
    (tmp_path / "reports" / "metrics" / "refusals.py").write_text(NEW_MODULE)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "run")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == ["-1", "Refusals 50.0 %", "True"], done.stderr


def test_a_name_is_registered_once() -> None:
    with pytest.raises(ValueError, match="'calls' is registered twice"):

        @metric("calls", unit="count")
        def calls(_: object) -> int:
            """Again."""
            return 0


def test_a_metric_without_a_definition_is_refused() -> None:
    with pytest.raises(ValueError, match="the docstring is the metric's definition"):

        @metric("undefined", unit="count")
        def undefined(_: object) -> int:
            return 0


def test_the_table_has_the_groups_in_their_order_and_each_metric_once() -> None:
    groups = catalogue()
    assert tuple(group.title for group in groups) == GROUPS
    names = [known.name for group in groups for known in group.metrics]
    assert len(names) == len(set(names))
    assert set(names) == {name for name, known in METRICS.items() if known.group is not None}


def test_a_metric_stands_after_the_one_that_it_names() -> None:
    for group in catalogue():
        names = [known.name for known in group.metrics]
        for place, known in enumerate(group.metrics):
            assert known.after is None or names[place - 1] == known.after


def test_labels_and_definitions_are_whole_and_distinct() -> None:
    labels = [known.label for known in METRICS.values()]
    assert len(set(labels)) == len(labels)
    for known in METRICS.values():
        assert re.fullmatch(r"[A-Z(].*\.", known.definition), known.name
