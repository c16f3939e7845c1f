"""A stack file says only how it differs from its base, and an error in it is one line."""

from pathlib import Path

import pytest

from harness.stack.assembly.options import load_stack_options
from harness.stack.core.errors import ConfigError

BASE = """
title = "Base"
[retry]
attempts = 4
base_s = 1
[hedge]
[[target]]
provider = "openai"
model = "gpt-4o"
"""


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text)
    return folder


def test_tables_are_laid_over_key_by_key_and_lists_replaced(tmp_path: Path) -> None:
    above = 'base = "base"\nwithout = ["hedge"]\n[retry]\nattempts = 2\n'
    options = load_stack_options(written(tmp_path, base=BASE, above=above) / "above.toml")
    assert options.retry is not None
    assert (options.title, options.retry.attempts, options.retry.base_s) == ("Base", 2, 1)
    assert options.hedge is None


def test_a_base_may_have_a_base(tmp_path: Path) -> None:
    files = written(tmp_path, base=BASE, middle='base = "base"\n', top='base = "middle"\ntitle = "Top"\n')
    assert load_stack_options(files / "top.toml").title == "Top"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('base = "nowhere"', "above.toml: base: expected a path to a stack's .toml file, got 'nowhere'"),
        ('base = "above"', "above.toml: base: expected a stack that is not based on this one, got 'above'"),
        ("base = 3", "above.toml: base: expected a path to a stack's .toml file, got 3"),
        ('without = ["hedge"]', "above.toml: without: expected a base to take tables from"),
        ('base = "base"\nwithout = ["cache"]', "without: expected tables of base, got 'cache'"),
        ('base = "base"\nwithout = "hedge"', "without: expected a list of tables"),
        ('base = "base"\n[retry]\nattemps = 1', "retry.attemps: unknown key"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_stack_options(written(tmp_path, base=BASE, above=text) / "above.toml")
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)
