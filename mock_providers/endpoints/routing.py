"""Finds the endpoint of a request by its method and path."""

import re
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from ..wire.dialect import Params
from .decision import Decision, Exchange
from .provider_context import ProviderContext


class Endpoint(Protocol):
    """One endpoint of a provider; `name` is its name in the ledger."""

    name: str

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """Decide about a request; raises Refused for one that cannot be parsed."""
        ...


class Route(NamedTuple):
    """`path` is a template: `{id}` matches one segment, `{model*}` the rest, slashes included."""

    method: str
    path: str
    endpoint: Endpoint


class Routes:
    """Finds the endpoint of a request: first among fixed paths, then among templates in their order."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._fixed: dict[tuple[str, str], Endpoint] = {}
        self._templates: list[tuple[str, re.Pattern[str], Endpoint]] = []
        for method, path, endpoint in routes:
            if "{" in path:
                self._templates.append((method, _pattern(path), endpoint))
            else:
                self._fixed[method, path] = endpoint
        self._paths = frozenset(path for _, path in self._fixed)

    def find(self, method: str, path: str) -> tuple[Endpoint, Params] | None:
        """The endpoint and the variable parts of the path; None without a route for this method and path."""
        if endpoint := self._fixed.get((method, path)):
            return endpoint, {}
        for known, pattern, endpoint in self._templates:
            if known == method and (match := pattern.fullmatch(path)):
                return endpoint, match.groupdict()
        return None

    def has_path(self, path: str) -> bool:
        """Whether any method has a route for this path."""
        return path in self._paths or any(pattern.fullmatch(path) for _, pattern, _ in self._templates)


def _pattern(template: str) -> re.Pattern[str]:
    escaped = re.sub(r"\\\{(\w+)(\\\*)?\\\}", _group, re.escape(template))
    return re.compile(escaped)


def _group(match: re.Match[str]) -> str:
    return f"(?P<{match[1]}>{'.+' if match[2] else '[^/:]+'})"
