"""Endpoints of the providers: a request in, a decision about it out.

Start with `protocols.py` (the routes of each protocol) and `generation.py`, which joins a codec of `wire`
with the provider's limits, caches, draws and faults. The server plays the `Decision` of `decision.py`.
"""

from .decision import Decision, Exchange
from .protocols import PROTOCOLS, WireProtocol
from .provider_context import ProviderContext
from .routing import Route, Routes

__all__ = ["PROTOCOLS", "Decision", "Exchange", "ProviderContext", "Route", "Routes", "WireProtocol"]
