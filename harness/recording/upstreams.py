"""The providers that the recorder passes requests on to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from harness.errors import InputError
from harness.stack.upstream.endpoint import endpoints_from

PROTOCOLS = {"anthropic": "anthropic"}
"""The protocol of a provider by its name; all others speak OpenAI's."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """A provider at `base_url`, as an SDK takes it; `base_path`: that of our own base URL for it."""

    name: str
    base_url: str

    @property
    def protocol(self) -> str:
        """ "openai" or "anthropic"."""
        return PROTOCOLS.get(self.name, "openai")

    @property
    def base_path(self) -> str:
        """The path of the recorder's base URL for an SDK of the protocol."""
        return "" if self.protocol == "anthropic" else "/v1"

    def url(self, path: str, query: str) -> str:
        """Where a request to `path` of the recorder goes."""
        rest = path.removeprefix(self.base_path) if path.startswith(f"{self.base_path}/") else path
        return f"{self.base_url}{rest}{'?' if query else ''}{query}"


def upstreams_from(options: Iterable[str], env: Mapping[str, str]) -> tuple[Upstream, ...]:
    """Each `NAME=URL`; without any, the providers that the SDKs' variables name, or their public addresses.

    Raises InputError.
    """
    given = [_upstream(text) for text in options]
    if not given:
        return tuple(Upstream(name, endpoint.base_url) for name, endpoint in endpoints_from(env).items())
    names = [upstream.name for upstream in given]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"--upstream {twice}: expected each name once")
    return tuple(given)


def _upstream(text: str) -> Upstream:
    name, separator, url = text.partition("=")
    if not separator or not name or urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise InputError(f"--upstream {text}: expected NAME=URL with an http or https URL")
    return Upstream(name, url.rstrip("/"))
