"""`brownout`: the command line. Exit code 0 good, 1 broken or INVALID, 2 bad input, 3 a claim failed with
`--fail-on`, 130 interrupted."""

import signal
import sys
from types import FrameType

import typer

from mock_providers import check_uvicorn

from .commands.calibrate import calibrate
from .commands.encoding import print_in_any_encoding
from .commands.gateway import gateway
from .commands.list import list_things
from .commands.mock import mock
from .commands.record import record
from .commands.run import run
from .virtual import check_interpreter

app = typer.Typer(
    name="brownout",
    help="Measure the worth of each technique in an LLM-calling stack, under faults on schedule.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
app.command()(run)
app.command()(mock)
app.command()(gateway)
app.command()(record)
app.command()(calibrate)
app.command("list")(list_things)


def main() -> None:
    """The console script: an error is one line on standard error and an exit code."""
    print_in_any_encoding()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        check_interpreter()
        check_uvicorn()
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        from .errors import RunFailed
        from .input_errors import INPUT_ERRORS, one_line

        if not isinstance(error, (*INPUT_ERRORS, RunFailed)):
            raise
        typer.echo(one_line(error), err=True)
        sys.exit(1 if isinstance(error, RunFailed) else 2)


def _interrupt(_signal: int, frame: FrameType | None) -> None:
    """Handle SIGTERM like Ctrl-C, which asyncio turns into cancellation: an exception here could be lost."""
    on_sigint = signal.getsignal(signal.SIGINT)
    if not callable(on_sigint):
        raise KeyboardInterrupt
    on_sigint(signal.SIGINT, frame)
