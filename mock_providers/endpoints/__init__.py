"""What a provider can be asked, one file an endpoint: a request in, a decision about it out.

An endpoint joins a codec of `wire` with the provider's rules: limits, caches, draws, faults.
"""

from .decision import Decision, Exchange
from .protocols import PROTOCOLS, WireProtocol
from .provider_context import ProviderContext
from .routing import Route, Routes

__all__ = ["PROTOCOLS", "Decision", "Exchange", "ProviderContext", "Route", "Routes", "WireProtocol"]
