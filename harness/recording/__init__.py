"""Records real traffic as a script: a proxy that passes requests on, and the replies that they got."""

from .proxy import Recorder
from .script_file import ScriptFile
from .upstreams import Upstream, upstreams_from

__all__ = ["Recorder", "ScriptFile", "Upstream", "upstreams_from"]
