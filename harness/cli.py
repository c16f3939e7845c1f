"""`brownout`: the command line. Exit code 0 good, 1 broken or INVALID, 2 bad input, 3 a claim failed with
`--fail-on`, 130 interrupted."""

import signal
import sys
from importlib.metadata import PackageNotFoundError, version
from types import FrameType
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from mock_providers import check_uvicorn

from .commands.calibrate import calibrate
from .commands.encoding import print_in_any_encoding
from .commands.gateway import gateway
from .commands.list import list_things
from .commands.mock import mock
from .commands.record import record
from .commands.run import run
from .virtual import check_interpreter


class _PlainFlags:
    """Help that shows no type beside a flag."""

    def get_params(self, *args: Any, **options: Any) -> Any:
        """All parameters, `--help` included."""
        params = super().get_params(*args, **options)  # type: ignore[misc]  # of the command beside it
        for param in params:
            if getattr(param, "is_flag", False):
                param.metavar = ""
        return params


class _Command(_PlainFlags, TyperCommand):
    pass


class _Group(_PlainFlags, TyperGroup):
    pass


app = typer.Typer(
    name="brownout",
    cls=_Group,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def _tell_version(wanted: bool) -> None:
    if not wanted:
        return
    try:
        number = version("brownout")
    except PackageNotFoundError:  # run from a checkout that is not installed
        number = "(not installed)"
    python = ".".join(map(str, sys.version_info[:3]))
    typer.echo(f"brownout {number}, Python {python}")
    raise typer.Exit


@app.callback()
def brownout(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_tell_version, is_eager=True, metavar="", help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Measure the worth of each technique in an LLM-calling stack, under faults on schedule."""


app.command(cls=_Command)(run)
app.command(cls=_Command)(mock)
app.command(cls=_Command)(gateway)
app.command(cls=_Command)(record)
app.command(cls=_Command)(calibrate)
app.command("list", cls=_Command)(list_things)


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
