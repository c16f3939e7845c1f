"""Subjects in a scenario file: names, paths and tables with a base, in one list or as `[[subjects]]`."""

from pathlib import Path

import pytest

from harness.errors import InputError
from harness.spec.run_options import RunOptions
from harness.spec.run_spec import make_spec
from harness.spec.scenario import load_scenario
from harness.spec.shipped import shipped_files
from harness.spec.subject import Subject
from harness.spec.subjects import load_subjects
from harness.stack.assembly.options import load_stack_options
from harness.stack.config.toml_file import format_toml, parse_toml, read_toml
from harness.stack.core.errors import ConfigError

HEAD = """
title = "t"
description = "d"
duration_s = 2
"""
REST = """
[arrivals]
kind = "poisson"
rate_per_s = 5
"""
NO_BREAKER = """
[[subjects]]
name = "no-breaker"
base = "full"
without = ["breaker"]
title = "Without breakers"
retry = { attempts = 3 }
"""
MINE = '[[target]]\nprovider = "openai"\nmodel = "gpt-4o"\n'


def subjects(folder: Path, text: str, *names: str) -> dict[str, Subject]:
    path = folder / "mine.toml"
    path.write_text(HEAD + text + REST)
    return {subject.name: subject for subject in load_subjects(path, load_scenario(path), names)}


def test_a_table_is_its_base_with_what_differs(tmp_path: Path) -> None:
    stack = subjects(tmp_path, NO_BREAKER)["no-breaker"].stack
    full = load_stack_options(shipped_files("stacks")["full"])
    assert stack is not None
    assert stack.retry is not None
    assert full.retry is not None
    assert (stack.title, stack.breaker, stack.retry.attempts) == ("Without breakers", None, 3)
    assert stack.retry.base_s == full.retry.base_s
    assert stack.target == full.target


def test_names_paths_and_tables_stand_in_one_list(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('base = "naive"\ntitle = "Own"\n')
    text = (
        'subjects = ["naive", "own.toml", { base = "own", title = "x", name = "again" }, { base = "full" }]\n'
    )
    found = subjects(tmp_path, text)
    assert list(found) == ["naive", "own", "again", "full"]
    assert [found[name].title for name in ("own", "again", "full")] == ["Own", "x", "Full"]


def test_a_base_may_be_another_subject_wherever_it_stands(tmp_path: Path) -> None:
    text = '[[subjects]]\nname = "second"\nbase = "no-breaker"\nwithout = ["hedge"]\n' + NO_BREAKER
    stack = subjects(tmp_path, text)["second"].stack
    assert stack is not None
    assert (stack.breaker, stack.hedge, stack.title) == (None, None, "Without breakers")


def test_a_shipped_stack_is_a_base_from_anywhere(tmp_path: Path) -> None:
    (tmp_path / "full.toml").write_text('base = "full"\ntitle = "Mine"\n')
    found = subjects(tmp_path, 'subjects = ["full.toml"]\n')["full"]
    assert (found.title, found.tables) == ("Mine", None)


def test_a_python_client_may_be_a_table(tmp_path: Path) -> None:
    text = '[[subjects]]\nname = "chat"\nkind = "python"\ncall = "mine:Chat"\n'
    found = subjects(tmp_path, text)["chat"]
    assert found.client is not None
    assert (found.client.call, found.path.parent) == ("mine:Chat", tmp_path)


def test_stack_on_the_command_line_finds_the_scenarios_subjects_and_shipped_ones() -> None:
    spec = make_spec(RunOptions(scenario="midstream", duration_s=1, stacks=("restart", "full", "claude")))
    assert [subject.name for subject in spec.subjects] == ["restart", "full", "claude"]
    restart = spec.subjects[0].stack
    assert restart is not None
    assert restart.fallback.after_first_token == "restart"


@pytest.mark.parametrize("name", ["midstream", "token-economics", "rate-limit", "budget", "summarise"])
def test_its_tables_written_to_a_file_are_the_same_stack(name: str, tmp_path: Path) -> None:
    path = shipped_files("scenarios")[name]
    written = [s for s in load_subjects(path, load_scenario(path)) if s.tables is not None]
    assert written
    for subject in written:
        assert subject.tables is not None
        file = tmp_path / "stack.toml"
        file.write_text(format_toml(subject.tables))
        assert read_toml(file) == subject.tables
        assert load_stack_options(file) == subject.stack


def test_any_text_and_number_is_written_as_it_was() -> None:
    values = {"a b": 'é "\\\n\x7f\u2028', "n": [1, 0.1, 1e-9, True, [], {}], "t": {"x.y": {"z": -1}}}
    assert parse_toml(format_toml(values), "here") == values


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("subjects = [3]", ["mine.toml: subjects.0: expected a stack's name, a path or a table"]),
        ("subjects = [{ title = 'x' }]", ["mine.toml: subjects.0: expected a name", "or a base"]),
        ("subjects = [{ name = '../x', base = 'full' }]", ["subjects.0: expected a name", "'../x'"]),
        ("subjects = ['nope']", ["stack 'nope'", "full", "naive", "openai-sdk"]),
        ("subjects = ['full', { base = 'full' }]", ["mine.toml: subjects: expected different names"]),
        (
            "subjects = [{ name = 'a', base = 'nope' }]",
            ["mine.toml: subjects.0.base: expected", "full"],
        ),
        (
            "subjects = [{ name = 'a', base = 'b' }, { name = 'b', base = 'a' }]",
            ["base: expected"],
        ),
        ("subjects = [{ name = 'a', base = 'full', without = ['x'] }]", ["subjects.0.without", "'x'"]),
        (
            "subjects = [{ name = 'a', base = 'full', retry = { n = 1 } }]",
            ["subjects.0.retry.n: unknown key"],
        ),
        ("subjects = [{ name = 'a', title = 'x' }]", ["mine.toml: subjects.0.target: expected a value"]),
        ("subjects = [{ name = 'a', kind = 'python' }]", ["mine.toml: subjects.0.call: expected a value"]),
    ],
)
def test_what_is_wrong_is_one_line_with_file_key_and_expectation(
    text: str, words: list[str], tmp_path: Path
) -> None:
    with pytest.raises((InputError, ConfigError)) as refused:
        subjects(tmp_path, text + "\n")
    assert all(word in str(refused.value) for word in words), str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("duration_s", "true"),
        ("duration_s", '"5"'),
        ("seed", "true"),
        ("seed", "7.0"),
        ("slo", '{ ttft_s = "2" }'),
        ("workload", '{ zipf_s = "1" }'),
        ("workload", "{ tenants = true }"),
        ("workload", "{ stream = 1 }"),
        ("arrivals", '{ kind = "poisson", rate_per_s = true }'),
    ],
)
def test_values_of_another_type_are_refused(key: str, value: str, tmp_path: Path) -> None:
    values = {"duration_s": "2", "subjects": '["full"]', "arrivals": '{ kind = "poisson", rate_per_s = 5 }'}
    lines = [f"{name} = {text}" for name, text in (values | {key: value}).items()]
    path = tmp_path / "mine.toml"
    path.write_text('title = "t"\ndescription = "d"\n' + "\n".join(lines))
    with pytest.raises(InputError, match=rf"mine\.toml: {key}"):
        load_scenario(path)
