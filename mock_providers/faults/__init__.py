"""Faults, one module each. Every module below this package is imported here, and its class registers itself.

To add a fault, add a module with a subclass of `FaultBase` that has a `summary`, a `kind` and an `apply`.
"""

from collections.abc import Mapping
from importlib import import_module
from pkgutil import walk_packages

from .base import FaultBase, FaultEffects, Refusals, Target, registered_kinds
from .matching import apply_faults, effects_of, matching_faults
from .schedule import Fault, FaultError, check_faults, describe_faults, parse_faults

__all__ = [
    "KINDS",
    "Fault",
    "FaultBase",
    "FaultEffects",
    "FaultError",
    "Refusals",
    "Target",
    "apply_faults",
    "check_faults",
    "describe_faults",
    "effects_of",
    "matching_faults",
    "parse_faults",
]

for _module in sorted(info.name for info in walk_packages(__path__, f"{__name__}.")):
    import_module(_module)

KINDS: Mapping[str, type[FaultBase]] = registered_kinds()
"""Every fault class by its kind, in the order of lists and error messages."""
