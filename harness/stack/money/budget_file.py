"""Budgets that survive a restart: their accounts in a file."""

from pathlib import Path

from ..state.durable import DurableBackend
from .account import recovered
from .budget import KEY_PREFIX


def budget_file(path: Path) -> DurableBackend:
    """A backend for one stack that keeps the accounts of budgets in `path`, all other state in memory.

    Money that was reserved when the process was killed counts as spent from then on: the provider may have
    worked for the calls in flight, and their cost was never reported. That is too much by at most what those
    calls reserved, until the period ends. Close the backend after the stack. Raises `ConfigError`.
    """
    return DurableBackend(path, {KEY_PREFIX: recovered})
