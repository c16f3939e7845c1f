"""Docstrings begin with their subject, and identifiers are words of the field."""

import ast
import re
from collections.abc import Iterator

from tests.paths import ROOT

PRODUCT = ("harness", "mock_providers", "reports", "scenarios")
RIDDLES = re.compile(r"(What|Who|Whose|Those|That|Nobody)\b")
PRIVATE = {"purse", "desk", "errand", "homes", "sight", "circumstances", "brake", "climb", "told", "said"}
"""Words that an engineer would have to look up: Reservation, ProviderContext and the like are clear."""


def docstrings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, text) of each string that stands alone as a statement."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield node.lineno, node.value.value


def identifiers(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, name) of everything that a module names."""
    for node in ast.walk(tree):
        match node:
            case (
                ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(attr=name) | ast.keyword(arg=str(name))
            ):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name


def words(name: str) -> set[str]:
    """The words of a name in snake case or camel case."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)}


def complaints(source: str) -> list[str]:
    """`LINE: TEXT` of each docstring and identifier that breaks a rule."""
    tree = ast.parse(source)
    found = [f"{line}: {text.splitlines()[0]}" for line, text in docstrings(tree) if RIDDLES.match(text)]
    return found + [f"{line}: {name}" for line, name in identifiers(tree) if words(name) & PRIVATE]


def test_the_words_of_the_product_are_plain() -> None:
    files = [path for name in PRODUCT for path in ROOT.glob(f"{name}/**/*.py")]
    assert len(files) > 400
    found = {str(path.relative_to(ROOT)): complaints(path.read_text("utf-8")) for path in files}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_a_riddle_and_a_private_word_are_found() -> None:
    source = 'class TheirDesk:\n    """What nobody knows."""\n    _told = 1\n    whatever = "told"\n'
    assert complaints(source) == ["2: What nobody knows.", "1: TheirDesk", "3: _told"]
