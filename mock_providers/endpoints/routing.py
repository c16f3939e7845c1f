"""Finds the endpoint of a request by its method and path.

Clients disagree on what belongs to a base URL, so one lenient rule holds for all: slashes may be doubled or
trail, and the segments before an endpoint's own path that only name a version or the API (`v1`, `v1beta`,
`openai`, …) may be missing, doubled or others of them. `/chat/completions`, `/v1/v1/chat/completions/` and
`/openai/v1//chat/completions` are one endpoint.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from ..wire.dialect import Params
from .decision import Decision, Exchange
from .provider_context import ProviderContext

VERSIONS = frozenset({"v1", "v1alpha", "v1beta", "v1beta1"})


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


class Prefixes(NamedTuple):
    """Segments that may come before an endpoint's own path.

    - `ignored`: they make no difference
    - `kept`: another API than the one without it; "": none
    """

    ignored: frozenset[str] = VERSIONS
    kept: str = ""

    def bare(self, path: str) -> str:
        """The path without ignored segments in front, and without empty ones."""
        segments = [segment for segment in path.split("/") if segment]
        first = kept = 0
        while first < len(segments) and (segments[first] in self.ignored or segments[first] == self.kept):
            kept += segments[first] == self.kept
            first += 1
        return "/".join(["", *([self.kept] if kept else []), *segments[first:]])


ANY_VERSION = Prefixes()


class Routes:
    """Finds the endpoint of a request: first among fixed paths, then among templates in their order."""

    def __init__(self, routes: Iterable[Route], prefixes: Prefixes = ANY_VERSION) -> None:
        self._prefixes = prefixes
        self._fixed: dict[tuple[str, str], Endpoint] = {}
        self._templates: list[tuple[str, re.Pattern[str], Endpoint]] = []
        for method, path, endpoint in routes:
            bare = prefixes.bare(path)
            if "{" in path:
                self._templates.append((method, _pattern(bare), endpoint))
            else:
                self._fixed[method, bare] = endpoint
        self._paths = frozenset(path for _, path in self._fixed)

    def find(self, method: str, path: str) -> tuple[Endpoint, Params] | None:
        """The endpoint and the variable parts of the path; None without a route for this method and path."""
        bare = self._prefixes.bare(path)
        if endpoint := self._fixed.get((method, bare)):
            return endpoint, {}
        for known, pattern, endpoint in self._templates:
            if known == method and (match := pattern.fullmatch(bare)):
                return endpoint, match.groupdict()
        return None

    def has_path(self, path: str) -> bool:
        """Whether any method has a route for this path."""
        bare = self._prefixes.bare(path)
        return bare in self._paths or any(pattern.fullmatch(bare) for _, pattern, _ in self._templates)


def _pattern(template: str) -> re.Pattern[str]:
    escaped = re.sub(r"\\\{(\w+)(\\\*)?\\\}", _group, re.escape(template))
    return re.compile(escaped)


def _group(match: re.Match[str]) -> str:
    return f"(?P<{match[1]}>{'.+' if match[2] else '[^/:]+'})"
