"""Every kind of attempt can be drawn, alone and with all the others."""

from pathlib import Path

import pytest

from reports.analysis.analyse import subject_facts
from reports.page.figures.bars import attempts
from reports.page.figures.canvas import page_style
from reports.page.labels import attempt_kind
from reports.record.kinds import ATTEMPT_KINDS
from tests.reports.synthetic import attempt, call, run_of


@pytest.mark.parametrize("kinds", [*((kind,) for kind in ATTEMPT_KINDS), ATTEMPT_KINDS])
def test_every_kind_of_attempt_has_a_colour(tmp_path: Path, kinds: tuple[str, ...]) -> None:
    rows = [attempt(f"c0/{n}", kind=kind, n=n) for n, kind in enumerate(kinds, 1)]
    run = run_of(tmp_path, [call("c0", attempts=len(rows))], rows)
    with page_style():
        keys = attempts(list(subject_facts(run).values())).keys
    shown = {key.label for key in keys if key.role.startswith("m")}
    assert shown <= {attempt_kind(kind) for kind in kinds}
    assert {attempt_kind(kind) for kind in {"primary", "continue"} & set(kinds)} <= shown
