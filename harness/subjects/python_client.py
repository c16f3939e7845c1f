"""A user's own Python client, any SDK."""

import asyncio
import importlib.util
import inspect
import sys
from collections.abc import AsyncIterable, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.errors import InputError
from harness.load.client_errors import exception_name, first_line
from harness.load.driver import Ask
from harness.load.plan import PlannedCall
from harness.load.reading import ObservedReply
from harness.spec.subject import Subject
from harness.stack.upstream.endpoint import Endpoint

from .client_failures import failure_kind, status_of
from .early_stop import EarlyStop

Requests = Callable[[], int]
"""The number of requests that the providers have received."""
InFault = Callable[[float, float], bool]
"""Whether a fault is scheduled between two moments of the loop's clock."""


def load_client(subject: Subject) -> Any:
    """The attribute that the subject's `call` names. Raises InputError when it cannot be imported."""
    assert subject.client is not None
    module_name, _, attribute = subject.client.call.partition(":")
    beside = subject.path.parent / f"{module_name.replace('.', '/')}.py"
    where = f"{subject.path}: call: expected {subject.client.call!r} to be importable"
    try:
        with _beside(subject.path.parent):
            module = _module(subject.name, module_name, beside)
        return getattr(module, attribute)
    except Exception as error:
        raise InputError(f"{where} ({_failing(error)})") from error


def _module(subject: str, name: str, beside: Path) -> Any:
    if not beside.is_file():
        return importlib.import_module(name)
    spec = importlib.util.spec_from_file_location(f"brownout_subject_{subject}", beside)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def _beside(folder: Path) -> Iterator[None]:
    """Modules beside the subject's file can be imported, after all others."""
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _failing(error: Exception) -> str:
    """The exception, and the line of the user's code that raised it."""
    trace, last = error.__traceback__, None
    while trace is not None:
        last, trace = trace, trace.tb_next
    here = "" if last is None else f", {Path(last.tb_frame.f_code.co_filename).name} line {last.tb_lineno}"
    return f"{exception_name(error)}: {first_line(error)}{here}"


class PythonClient:
    """Calls the client: a class is instantiated once, a function gets the providers at every call.

    `requests` and `in_fault` tell a provider's failure from an error of the client's own. Raises InputError
    when the class cannot be instantiated.
    """

    def __init__(
        self,
        target: Callable[..., Any],
        providers: Mapping[str, Endpoint],
        *,
        requests: Requests = lambda: 0,
        in_fault: InFault = lambda from_s, to_s: True,
    ) -> None:
        is_class = inspect.isclass(target)
        try:
            self._instance: Any = target(providers) if is_class else None
        except Exception as error:
            name = getattr(target, "__name__", "client")
            raise InputError(f"{name}(providers): expected a client, got {_failing(error)}") from error
        self._target: Any = self._instance if is_class else target
        self._extra = {} if is_class else {"providers": providers}
        self._requests = requests
        self._in_fault = in_fault
        self.early_stop = EarlyStop()

    async def aclose(self) -> None:
        """Close the instance, if it has `aclose`."""
        close = getattr(self._instance, "aclose", None)
        if close is not None:
            await close()

    def ask(self) -> Ask:
        """A function that makes one call; a piece's time is when it is yielded. It raises the client's own
        errors."""

        async def ask(planned: PlannedCall, observed: ObservedReply) -> None:
            messages = [{"role": role, "content": content} for role, content in planned.messages]
            before, now = self._requests(), asyncio.get_running_loop().time
            started_s = now()
            try:
                await _read(self._target(messages, max_tokens=planned.max_tokens, **self._extra), observed)
                observed.status, observed.finish_reason = 200, "stop"
                self.early_stop.note(None, sent=True)
            except BaseException as error:
                sent, in_fault = self._requests() > before, self._in_fault(started_s, now())
                text = f"{exception_name(error)}: {first_line(error)}"
                self.early_stop.note(text, sent=sent or in_fault)
                observed.error_kind = failure_kind(error, sent=sent, in_fault=in_fault)
                observed.status = status_of(error)
                if observed.error_kind is None:
                    raise

        return ask


async def _read(answer: Any, observed: ObservedReply) -> None:
    now = asyncio.get_running_loop().time
    if isinstance(answer, AsyncIterable):
        async for piece in answer:
            _add(piece, observed, now())
    elif isinstance(answer, Awaitable):
        _add(await answer, observed, now())
    else:
        kind = type(answer).__name__
        raise TypeError(f"expected an async generator or a coroutine (`async def`), got {kind}")


def _add(piece: Any, observed: ObservedReply, now_s: float) -> None:
    if not isinstance(piece, str):
        raise TypeError(f"expected text, got {type(piece).__name__}")
    if piece:
        observed.chunk_s.append(now_s)
        observed.pieces.append(piece)
