"""The reference resilient calling stack: a library that stands alone.

`build(load_stack_options(path), endpoints_from(os.environ))` makes a `Stack`. Every concern is a layer around
one call: read `core/call.py` first, then `assembly/layers.py`, which lists the layers in order. `Gateway` is
an OpenAI-compatible ASGI server in front of a stack. Everything else in the package is private.
Names are imported on first use: a process that needs one part does not load the servers.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .assembly.layers import build
    from .assembly.options import StackOptions, TargetOptions, load_stack_options, parse_stack_options
    from .assembly.stack import Stack
    from .core.call import Call, Caller, Layer, Next, stack
    from .core.errors import AllProvidersFailed, ConfigError, ProviderError, Rejected, StackError
    from .core.facts import AttemptFacts, CallFacts
    from .core.kinds import ATTEMPT_KINDS, ERROR_KINDS
    from .core.reply import Answer, Delta, Event, Finish, Outcome, Reply, ToolCall, ToolDelta, Usage
    from .core.request import Message, Request, Tool
    from .core.target import Target
    from .gateway.app import Gateway
    from .money.budget_file import budget_file
    from .upstream.endpoint import Endpoint, endpoints_from

_MODULES = {
    "assembly.layers": ("build",),
    "assembly.options": ("StackOptions", "TargetOptions", "load_stack_options", "parse_stack_options"),
    "assembly.stack": ("Stack",),
    "core.call": ("Call", "Caller", "Layer", "Next", "stack"),
    "core.errors": ("AllProvidersFailed", "ConfigError", "ProviderError", "Rejected", "StackError"),
    "core.facts": ("AttemptFacts", "CallFacts"),
    "core.kinds": ("ATTEMPT_KINDS", "ERROR_KINDS"),
    "core.reply": (
        "Answer",
        "Delta",
        "Event",
        "Finish",
        "Outcome",
        "Reply",
        "ToolCall",
        "ToolDelta",
        "Usage",
    ),
    "core.request": ("Message", "Request", "Tool"),
    "core.target": ("Target",),
    "gateway.app": ("Gateway",),
    "money.budget_file": ("budget_file",),
    "upstream.endpoint": ("Endpoint", "endpoints_from"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "ATTEMPT_KINDS",
    "ERROR_KINDS",
    "AllProvidersFailed",
    "Answer",
    "AttemptFacts",
    "Call",
    "CallFacts",
    "Caller",
    "ConfigError",
    "Delta",
    "Endpoint",
    "Event",
    "Finish",
    "Gateway",
    "Layer",
    "Message",
    "Next",
    "Outcome",
    "ProviderError",
    "Rejected",
    "Reply",
    "Request",
    "Stack",
    "StackError",
    "StackOptions",
    "Target",
    "TargetOptions",
    "Tool",
    "ToolCall",
    "ToolDelta",
    "Usage",
    "budget_file",
    "build",
    "endpoints_from",
    "load_stack_options",
    "parse_stack_options",
    "stack",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
