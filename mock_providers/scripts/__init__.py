"""Scripted replies: a user's own text, tool calls or faults for the requests that they match."""

from .loading import ScriptError, check_script, load_script, parse_script
from .scripted import Script, ScriptedReply
from .selection import Asked, Selected, select

__all__ = [
    "Asked",
    "Script",
    "ScriptError",
    "ScriptedReply",
    "Selected",
    "check_script",
    "load_script",
    "parse_script",
    "select",
]
