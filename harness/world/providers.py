"""Client of the admin API of mock providers in another process."""

import time
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from harness.errors import RunFailed

SETTLES_WITHIN_S = 10.0
POLL_S = 0.05


class Providers:
    """`ready` is the JSON that `brownout mock --json` prints: a base URL per provider, and `admin`."""

    def __init__(self, ready: dict[str, str]) -> None:
        self.urls = {name: url for name, url in ready.items() if name != "admin"}
        self.admin_url = ready["admin"]
        self._admin = httpx.Client(base_url=self.admin_url, trust_env=False)

    def reset(self, seed: int, faults: list[dict[str, Any]]) -> None:
        """Reset to an empty ledger, full buckets and these faults; t = 0 comes with `start`."""
        self._ask("POST", "/_mock/reset", {"seed": seed})
        self._ask("POST", "/_mock/faults", faults)

    def settled_ledger(self) -> list[dict[str, Any]]:
        """The ledger once every request has ended; requests still open after 10 s are left out."""
        for _ in range(int(SETTLES_WITHIN_S / POLL_S)):
            if self._ask("GET", "/_mock/health").json()["in_flight"] == 0:
                break
            time.sleep(POLL_S)
        return [orjson.loads(line) for line in self._ask("GET", "/_mock/ledger").content.splitlines()]

    def _ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        try:
            return self._admin.request(method, path, json=body).raise_for_status()
        except httpx.HTTPError as error:
            raise RunFailed(f"the mock providers' admin API: {method} {path}: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._admin.close()
