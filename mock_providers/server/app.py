"""The mock providers as plain ASGI: one shared state, one callable per provider, one for the admin API.

The app holds the clock and the open connections. A request is decided in `service`, played in
`http.playback`, and recorded in the ledger exactly once, however it ends.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

from ..admin.api import Admin
from ..content.questions import Catalogue
from ..endpoints import Decision
from ..exchange.draws import Draws
from ..exchange.received import Instant, Received
from ..faults import check_faults
from ..faults.base import FaultBase
from ..http import asgi
from ..http.connection import RESET, BodyTooLarge, ClientConnection, ClientGone
from ..http.content_encoding import TooLargeDecoded, UnknownEncoding, decoded
from ..http.cors import answer_preflight, is_preflight, readable
from ..http.playback import play
from ..ledger.entry import Entry
from ..ledger.ledger import Ledger
from ..profile import Profile
from ..scripts import Script, check_script
from .service import Service

DEFAULT_EPOCH_S = 1_767_225_600.0
"""The Unix time at which the loop's clock reads 0: 2026-01-01T00:00:00Z."""

MAX_BODY_BYTES = 32 * 1024 * 1024
"""Limit on a request's body: Anthropic documents it, used for every provider."""


class Run:
    """The state that a reset replaces."""

    def __init__(self, profile: Profile, catalogue: Catalogue, seed: int) -> None:
        self.seed = seed
        self.ledger = Ledger()
        self.faults: tuple[FaultBase, ...] = ()
        self.in_flight = 0
        self.received = 0
        self.started_at: float | None = None
        draws = Draws(seed)
        self.script: Script = ()
        self.services = {name: Service(name, profile, catalogue, draws) for name in profile.providers}

    def t0(self, now: float) -> float:
        """t = 0 on the loop's clock; sets it to `now` if it is not set."""
        if self.started_at is None:
            self.started_at = now
        return self.started_at


class MockApp:
    """The providers of a profile.

    - `seed`: of every draw (default 0)
    - `answers`: questions with right and wrong answers (default: none, every reply is generated prose)
    - `faults`: the initial schedule (default: none); raises FaultError when it does not fit the profile
    - `script`: replies to requests that match, before those of the profile's own script (default: none);
      raises ScriptError when it does not fit the profile
    - `epoch_s`: the Unix time at which the loop's clock reads 0. The default makes runs repeatable; for
      wall-clock timestamps pass the current Unix time minus `loop.time()`

    t = 0 of the fault schedule and of the ledger is the call of `start`, else the first request of any kind.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        seed: int = 0,
        answers: Catalogue | None = None,
        faults: Iterable[FaultBase] = (),
        script: Script = (),
        epoch_s: float = DEFAULT_EPOCH_S,
    ) -> None:
        self.profile = profile
        self._answers = answers or Catalogue(())
        self._epoch_s = epoch_s
        self._connections: dict[ClientConnection, None] = {}
        self.run = Run(profile, self._answers, seed)
        self.set_faults(faults)
        self.set_script(script)
        self.admin: asgi.AsgiApp = Admin(self)

    def provider(self, name: str) -> asgi.AsgiApp:
        """The ASGI app of one provider, the admin API under `/_mock/` included; raises KeyError."""
        if name not in self.profile.providers:
            raise KeyError(f"no provider {name!r} in profile {self.profile.name!r}")
        return partial(self._route, name)

    def start(self, at_s: float | None = None) -> float:
        """Set t = 0 to `at_s` on the loop's clock (default: now); returns it."""
        self.run.started_at = asyncio.get_running_loop().time() if at_s is None else at_s
        return self.run.started_at

    def reset(self, seed: int | None = None) -> None:
        """Clear ledger, limits, counters, faults, script and t = 0; requests in flight are not recorded.

        `seed`: of every draw from now on (default: unchanged). The profile's own script stays.
        """
        self.run = Run(self.profile, self._answers, self.run.seed if seed is None else seed)
        self.set_script(())

    def set_faults(self, faults: Iterable[FaultBase]) -> None:
        """Replace the schedule; raises FaultError."""
        checked = check_faults(faults, self.profile)
        self._settle_batches_now()  # items due by now are answered under the old schedule
        self.run.faults = checked
        for service in self.run.services.values():
            service.forget_faults()

    def set_script(self, script: Script) -> None:
        """Answer by this script from now on, with no entry used up; raises ScriptError."""
        self.run.script = check_script(script, self.profile)
        for service in self.run.services.values():
            service.play((*self.run.script, *self.profile.script))

    @property
    def script(self) -> Script:
        """The script without that of the profile."""
        return self.run.script

    @property
    def seed(self) -> int:
        """The seed of every draw since the last reset."""
        return self.run.seed

    @property
    def started_at(self) -> float | None:
        """t = 0 on the loop's clock, None until it is set."""
        return self.run.started_at

    @property
    def faults(self) -> Sequence[FaultBase]:
        """The schedule, models as canonical ids."""
        return self.run.faults

    @property
    def ledger(self) -> Ledger:
        """The rows of the requests that have ended since the last reset.

        Batch items are answered lazily, by the loop's clock: outside of a running loop the items that came
        due since the last access are missing.
        """
        self._settle_batches_now()
        return self.run.ledger

    @property
    def received(self) -> int:
        """API requests received since the last reset."""
        return self.run.received

    @property
    def in_flight(self) -> int:
        """API requests received since the last reset that have not ended."""
        return self.run.in_flight

    def hang_up(self) -> None:
        """Cut every request in flight; their rows appear when the loop runs next."""
        for connection in list(self._connections):
            connection.interrupt()

    def _settle_batches_now(self) -> None:
        try:
            now = asyncio.get_running_loop().time()
        except RuntimeError:
            return
        self._settle_batches(self.run, now)

    def _settle_batches(self, run: Run, now: float) -> None:
        """Answer the batch items that have come due, and record them in order of time."""
        if run.started_at is None:
            return
        instant = Instant(now, now - run.started_at, self._epoch_s + now)
        due = [
            entry
            for service in run.services.values()
            for entry in service.settle_batches(run.faults, instant)
        ]
        for entry in sorted(due, key=lambda entry: entry.received):
            run.ledger.append(entry.row(run.started_at))

    def instant(self) -> Instant:
        """The current time on the three clocks; sets t = 0 if it is not set."""
        now = asyncio.get_running_loop().time()
        return Instant(now, now - self.run.t0(now), self._epoch_s + now)

    async def _route(self, name: str, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        if scope["path"] == "/_mock" or scope["path"].startswith("/_mock/"):
            await self.admin(scope, receive, send)
        elif is_preflight(scope):
            await answer_preflight(scope, send)
        else:
            send = readable(scope, send)
            await self._exchange(self.run, self.run.services[name], scope, receive, send)

    async def _exchange(
        self, run: Run, service: Service, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send
    ) -> None:
        """Handle one request, from its headers to its ledger row."""
        received = asgi.received(scope)
        connection = ClientConnection(scope, receive, send)
        run.t0(connection.now())
        entry = Entry(service.arrival(received), connection.now())
        decision: Decision | None = None
        run.in_flight += 1
        run.received += 1
        self._connections[connection] = None
        try:
            decision = await self._decide(run, service, entry, received, connection)
            await play(connection, service.dialect, decision, entry)
        except ClientGone:
            entry.ended = "reset" if connection.interrupted else "client_closed"
            if connection.interrupted:
                await connection.cut(RESET)
        finally:
            connection.close()
            del self._connections[connection]
            run.in_flight -= 1
            if decision is not None:
                service.settle(decision, entry.tokens_sent, connection.now())
            self._settle_batches(run, connection.now())
            run.ledger.append(entry.row(run.t0(entry.received)))

    async def _decide(
        self, run: Run, service: Service, entry: Entry, received: Received, connection: ClientConnection
    ) -> Decision:
        try:
            body = await connection.body(MAX_BODY_BYTES)
            if encodings := received.header(b"content-encoding"):
                body = decoded(body, encodings, MAX_BODY_BYTES)
        except (BodyTooLarge, TooLargeDecoded, UnknownEncoding) as error:
            errors, unknown = service.dialect.errors, isinstance(error, UnknownEncoding)
            problem = errors.of_status(415) if unknown else errors.too_large(MAX_BODY_BYTES)
            instant = self.instant()
            decision = service.refuse(entry.info, problem, instant)
        else:
            instant = self.instant()
            self._settle_batches(run, instant.now)
            decision = service.decide(entry.info, replace(received, body=body), run.faults, instant)
        entry.received = instant.now
        entry.info, entry.plan, entry.price = decision.info, decision.plan, decision.price
        return decision
