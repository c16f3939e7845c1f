"""Every exception that means bad input, whichever part noticed it: one line for the user, exit code 2."""

from mock_providers import BindError, CatalogueError, FaultError, IncidentError, ProfileError
from reports.record.run import RecordError

from .errors import InputError
from .stack.core.errors import ConfigError

BAD_INPUT = (
    InputError,
    ConfigError,
    ProfileError,
    FaultError,
    IncidentError,
    CatalogueError,
    BindError,
    RecordError,
)


def one_line(error: Exception) -> str:
    """What is said to the user."""
    return f"brownout: {' '.join(str(error).split())}"
