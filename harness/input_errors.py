"""All exceptions that mean bad input, from every part: one line for the user, exit code 2."""

from mock_providers import (
    BindError,
    CatalogueError,
    FaultError,
    IncidentError,
    ProfileError,
    ScriptError,
    UntriedUvicorn,
)
from reports.record.run import RecordError

from .errors import InputError
from .stack.core.errors import ConfigError
from .virtual import UntriedInterpreter

INPUT_ERRORS = (
    InputError,
    ConfigError,
    ProfileError,
    FaultError,
    IncidentError,
    CatalogueError,
    ScriptError,
    BindError,
    RecordError,
    UntriedInterpreter,
    UntriedUvicorn,
)


def one_line(error: Exception) -> str:
    """The message for the user, in one line; blanks inside a path stay."""
    lines = (line.strip() for line in str(error).splitlines())
    return f"brownout: {' '.join(line for line in lines if line)}"
