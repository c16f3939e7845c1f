"""The terminal as every command prints to it: text is text, never markup.

A title `p99 [ms]`, a claim `[/x]` or a name `:warning:` is printed as written. Emphasis is a style beside the
text (`rich.text.Text`), never a mark inside it.
"""

import os

from rich.console import Console
from rich.table import Table
from rich.text import Text

_PIPE_COLUMNS = 1_000


def terminal(*, stderr: bool = False) -> Console:
    """A console that interprets nothing: no markup, no emoji names, no highlighting of numbers.

    Output that is piped is as wide as it needs to be, unless COLUMNS is set.
    """
    console = Console(stderr=stderr, markup=False, emoji=False, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _PIPE_COLUMNS
    return console


def bold(text: str) -> Text:
    """Text in bold."""
    return Text(text, style="bold")


def print_line(console: Console, *parts: str | Text) -> None:
    """One line, not wrapped: a terminal folds it, a pipe gets it whole."""
    console.print(Text.assemble(*parts), soft_wrap=True)


def plain_table(title: str | None, columns: list[str]) -> Table:
    """A table of figures: a column of labels, then one for each subject. Long texts are folded, not cut."""
    table = Table(title=None if title is None else Text(title), header_style="bold")
    table.add_column("", overflow="fold")
    for name in columns:
        table.add_column(Text(name), justify="right", overflow="fold")
    return table
