"""Mock LLM providers that speak the real wire protocols and misbehave on a schedule.

`MockApp` is plain ASGI; `serve` puts it on sockets. A `Profile` describes the providers, a list of faults is
scheduled to go wrong, and the `Ledger` records every request.

A request passes `server` (app, service), `endpoints` (its decision), `engine` (its `plan`), `faults` (changes
of the plan), `wire` (its bytes) and `http` (their playback). Read `plan.py` first: a `Plan` is a whole reply.
"""

from .content.questions import Catalogue, CatalogueError, Question, load_catalogue
from .faults import Fault, FaultError, check_faults, describe_faults, parse_faults
from .http.asgi import AsgiApp
from .http.uvicorn_server import BindError, PortInUse, build_server, listen, shut_down
from .http.uvicorn_version import UntriedUvicorn, check_uvicorn
from .incident import Incident, IncidentError, load_incident, shipped_incidents
from .ledger.ledger import Ledger
from .ledger.row import LedgerRow
from .profile import Profile
from .profile_files import ProfileError, load_profile, make_profile, shipped_profiles
from .scripts import Script, ScriptedReply, ScriptError, load_script, parse_script
from .server.app import DEFAULT_EPOCH_S, MockApp
from .server.serve import sdk_base_url, serve

__all__ = [
    "DEFAULT_EPOCH_S",
    "AsgiApp",
    "BindError",
    "Catalogue",
    "CatalogueError",
    "Fault",
    "FaultError",
    "Incident",
    "IncidentError",
    "Ledger",
    "LedgerRow",
    "MockApp",
    "PortInUse",
    "Profile",
    "ProfileError",
    "Question",
    "Script",
    "ScriptError",
    "ScriptedReply",
    "UntriedUvicorn",
    "build_server",
    "check_faults",
    "check_uvicorn",
    "describe_faults",
    "listen",
    "load_catalogue",
    "load_incident",
    "load_profile",
    "load_script",
    "make_profile",
    "parse_faults",
    "parse_script",
    "sdk_base_url",
    "serve",
    "shipped_incidents",
    "shipped_profiles",
    "shut_down",
]
