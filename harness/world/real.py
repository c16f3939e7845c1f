"""The real world: providers and gateways in processes of their own, on loopback sockets.

Everything is synchronous, so that the command line and Locust's own process can use it alike.
"""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from harness.errors import RunFailed

from .child import Child

PROVIDER_KEY = "sk-brownout"
"""The key that stacks present to the mock providers, which take any."""

SETTLES_WITHIN_S = 10.0
POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Providers:
    """Running mock providers: base URL of each, and their admin API."""

    urls: dict[str, str]
    admin: httpx.Client

    def reset(self, seed: int, faults: list[dict[str, Any]]) -> None:
        """As new: empty ledger, full buckets, these faults; t = 0 comes with `start`."""
        self._ask("POST", "/_mock/reset", {"seed": seed})
        self._ask("POST", "/_mock/faults", faults)

    def settled_ledger(self) -> list[dict[str, Any]]:
        """The ledger once every request has ended; what still runs after a while is left out."""
        for _ in range(int(SETTLES_WITHIN_S / POLL_S)):
            if self._ask("GET", "/_mock/health").json()["in_flight"] == 0:
                break
            time.sleep(POLL_S)
        return [orjson.loads(line) for line in self._ask("GET", "/_mock/ledger").content.splitlines()]

    def _ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        try:
            return self.admin.request(method, path, json=body).raise_for_status()
        except httpx.HTTPError as error:
            raise RunFailed(f"the mock providers' admin API: {method} {path}: {error}") from error


class RealWorld:
    """Starts servers and ends them. Logs and facts go to `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open = ExitStack()

    def providers(self, *, profile: str, seed: int, answers: Path) -> Providers:
        """One process, a port for each provider and one for the admin API."""
        args = ["mock", "--profile", profile, "--seed", str(seed), "--answers", str(answers)]
        child = self._open.enter_context(Child(args, self._folder / "providers.log"))
        admin = self._open.enter_context(httpx.Client(base_url=child.ready["admin"], trust_env=False))
        urls = {name: url for name, url in child.ready.items() if name != "admin"}
        return Providers(urls, admin)

    def gateway(self, *, stack: Path, providers: Providers, seed: int, facts: Path, log: Path) -> Child:
        """A stack as a server; `ready["url"]` is its base URL. It ends with the world, or by `stop`."""
        args = ["gateway", str(stack), "--seed", str(seed), "--facts", str(facts)]
        env = {f"{name.upper()}_BASE_URL": url for name, url in providers.urls.items()}
        env |= {f"{name.upper()}_API_KEY": PROVIDER_KEY for name in providers.urls}
        return self._open.enter_context(Child(args, log, env))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
