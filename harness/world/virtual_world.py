"""The virtual world: providers, subject and driver in one process, on a virtual clock and an in-memory
network.

The ASGI apps, the stack and the plan are those of the real world; only the event loop differs.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from harness.errors import InputError
from harness.load.client_errors import ClientErrors, exception_name, first_line
from harness.load.driver import Ask, Driver
from harness.spec.run_spec import RunSpec
from harness.spec.subject import Subject
from harness.stack.assembly.layers import build
from harness.stack.assembly.stack import Stack
from harness.stack.gateway.app import Gateway
from harness.stack.upstream.endpoint import Endpoint
from harness.stack.upstream.transport import make_client
from harness.subjects.in_process import ask_stack
from harness.subjects.over_http import ask_gateway
from harness.subjects.python_client import PythonClient, load_client
from mock_providers import MockApp, load_profile, parse_faults

from ..virtual import run_virtual
from .client_guard import FaultTimes, close_client, exit_raises
from .provider_keys import named_keys
from .serving import serve, serve_provider
from .world import Measured, OnProgress

HEAD_START_S = 0.5
PROGRESS_EVERY = 50


class VirtualWorld:
    """A new loop, network and clock for each subject, so subjects share no state.

    Entering it imports the Python clients. Raises InputError when one cannot be imported.
    """

    def __init__(self, spec: RunSpec) -> None:
        self._spec = spec
        self._profile = load_profile(spec.scenario.profile)
        self._clients: dict[str, Any] = {}

    def __enter__(self) -> Self:
        for subject in self._spec.subjects:
            if subject.client is not None:
                self._clients[subject.name] = load_client(subject)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def measure(self, subject: Subject, on_progress: OnProgress) -> Measured:
        """Play the plan in virtual time; an interruption keeps the calls that had ended."""
        measured = Measured(reports_facts=subject.stack is not None)
        errors = ClientErrors()
        try:
            with _seeded(self._spec.draw_seed(subject)), exit_raises():
                run_virtual(self._play(subject, measured, errors, on_progress))
        except KeyboardInterrupt:
            measured.reason = f"interrupted during {subject.name}"
        except SystemExit as error:
            measured.reason = f"{subject.name} ended the program: exit({first_line(error)})"
            measured.broken = True
            errors.note("", error)
        except asyncio.CancelledError as error:
            measured.reason, measured.broken = f"{subject.name} cancelled the whole run", True
            errors.note("", error)
        except InputError:
            raise
        except Exception as error:  # noqa: BLE001  # the rows that were measured are kept
            measured.reason = f"{subject.name} broke: {exception_name(error)}: {first_line(error)}"
            measured.broken = True
            errors.note("", error)
        measured.client_errors = errors.as_rows()
        return measured

    async def _play(
        self, subject: Subject, measured: Measured, errors: ClientErrors, on_progress: OnProgress
    ) -> None:
        spec = self._spec
        app = MockApp(self._profile, seed=spec.draw_seed(subject), answers=spec.answers)
        app.set_faults(parse_faults(spec.faults, self._profile))
        on_row = _RowCollector(subject.name, len(spec.plan), measured, on_progress)
        async with AsyncExitStack() as world:
            world.callback(_take_ledger, app, measured)
            providers = {
                name: await world.enter_async_context(serve_provider(app, name, named_keys(subject, name)))
                for name in self._profile.providers
            }
            opened = await world.enter_async_context(self._open(subject, providers, app, measured, errors))
            measured.t0_s = app.start(asyncio.get_running_loop().time() + HEAD_START_S)
            driver = Driver(
                opened.ask,
                measured.t0_s,
                call_timeout_s=subject.total_s + 5.0,
                drain_s=min(spec.scenario.drain_s, subject.total_s + 5.0),
                record=on_row,
                errors=errors,
                give_up=opened.give_up,
            )
            try:
                measured.reason = await driver.play(spec.plan)
            finally:
                on_row.report()

    @asynccontextmanager
    async def _open(
        self,
        subject: Subject,
        providers: dict[str, Endpoint],
        app: MockApp,
        measured: Measured,
        errors: ClientErrors,
    ) -> AsyncIterator["_Opened"]:
        if subject.stack is None:
            schedule = FaultTimes(self._spec.faults, measured)
            python = PythonClient(
                self._clients[subject.name],
                providers,
                requests=lambda: app.received,
                in_fault=schedule.active_between,
            )
            yield _Opened(python.ask(), python.early_stop.reason)
            await close_client(python, errors)
            return
        stack = build(
            subject.stack,
            providers,
            sink=lambda facts: measured.facts.append(facts.as_row()),
            seed=self._spec.draw_seed(subject),
        )
        try:
            if self._spec.via(subject) == "direct":
                yield _Opened(ask_stack(stack))
            else:
                async with _behind_gateway(stack) as ask:
                    yield _Opened(ask)
        finally:
            await stack.aclose()


@dataclass(frozen=True, slots=True)
class _Opened:
    """A subject ready to be called."""

    ask: Ask
    give_up: Callable[[], str | None] = lambda: None


def _take_ledger(app: MockApp, measured: Measured) -> None:
    """Copy the ledger, last of all and also in an interrupted run: by then every request has its row."""
    measured.ledger = [{name: getattr(row, name) for name in row.__slots__} for row in app.ledger.rows]


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed the global generator, for clients that draw from it (SDKs jitter their backoff)."""
    before = random.getstate()
    random.seed(seed)  # noqa: TID251  # for code that is not ours
    try:
        yield
    finally:
        random.setstate(before)


class _RowCollector:
    """Keeps rows and reports_facts how far it is, every so many."""

    def __init__(self, name: str, planned: int, measured: Measured, on_progress: OnProgress) -> None:
        self._name = name
        self._planned = planned
        self._rows = measured.client
        self._answered = 0
        self._on_progress = on_progress

    def __call__(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        self._answered += row["outcome"] == "success"
        if len(self._rows) % PROGRESS_EVERY == 0:
            self.report()

    def report(self) -> None:
        """Report progress now."""
        self._on_progress(self._name, len(self._rows), self._planned, self._answered)


@asynccontextmanager
async def _behind_gateway(stack: Stack) -> AsyncIterator[Ask]:
    client = make_client(connect_s=10.0)
    async with serve(Gateway(stack)) as origin:
        try:
            yield ask_gateway(client, f"{origin}/v1")
        finally:
            await client.aclose()
