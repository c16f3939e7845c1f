"""Every exception that means bad input, whichever part noticed it: one line for the user, exit code 2."""

from mock_providers import BindError, CatalogueError, FaultError, IncidentError, ProfileError, UntriedUvicorn
from reports.record.run import RecordError

from .errors import InputError
from .stack.core.errors import ConfigError
from .virtual import UntriedInterpreter

BAD_INPUT = (
    InputError,
    ConfigError,
    ProfileError,
    FaultError,
    IncidentError,
    CatalogueError,
    BindError,
    RecordError,
    UntriedInterpreter,
    UntriedUvicorn,
)


def one_line(error: Exception) -> str:
    """What is said to the user."""
    return f"brownout: {' '.join(str(error).split())}"
