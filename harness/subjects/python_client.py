"""A user's own Python client, any SDK."""

import asyncio
import importlib.util
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from harness.errors import InputError
from harness.load.driver import Ask
from harness.load.plan import PlannedCall
from harness.load.reading import ObservedReply
from harness.spec.subject import Subject
from harness.stack.upstream.endpoint import Endpoint


def load_client(subject: Subject) -> Any:
    """The attribute that the subject's `call` names. Raises InputError when it cannot be imported."""
    assert subject.client is not None
    module_name, _, attribute = subject.client.call.partition(":")
    beside = subject.path.parent / f"{module_name.replace('.', '/')}.py"
    try:
        if beside.is_file():
            spec = importlib.util.spec_from_file_location(f"brownout_subject_{subject.name}", beside)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        else:
            module = importlib.import_module(module_name)
        return getattr(module, attribute)
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"{subject.path}: call: expected {subject.client.call!r} to be importable ({error})"
        ) from error


class PythonClient:
    """Calls the client: a class is instantiated once, a function gets the providers at every call."""

    def __init__(self, target: Callable[..., Any], providers: Mapping[str, Endpoint]) -> None:
        is_class = inspect.isclass(target)
        self._instance: Any = target(providers) if is_class else None
        self._target: Any = self._instance if is_class else target
        self._extra = {} if is_class else {"providers": providers}

    async def aclose(self) -> None:
        """Close the instance, if it has `aclose`."""
        close = getattr(self._instance, "aclose", None)
        if close is not None:
            await close()

    def ask(self) -> Ask:
        """A function that makes one call; a piece's time is when it is yielded."""

        async def ask(planned: PlannedCall, observed: ObservedReply) -> None:
            messages = [{"role": role, "content": content} for role, content in planned.messages]
            try:
                await _read(self._target(messages, max_tokens=planned.max_tokens, **self._extra), observed)
                observed.status, observed.finish_reason = 200, "stop"
            except Exception as error:  # noqa: BLE001  # any exception of a client is a failed call
                observed.error_kind = error_kind(error)
                observed.status = getattr(error, "status_code", None)

        return ask


async def _read(answer: AsyncIterator[str] | Awaitable[str], observed: ObservedReply) -> None:
    now = asyncio.get_running_loop().time
    if isinstance(answer, AsyncIterator):
        async for piece in answer:
            if not isinstance(piece, str):
                raise TypeError(f"expected text, got {type(piece).__name__}")
            if piece:
                observed.chunk_s.append(now())
                observed.pieces.append(piece)
    else:
        text = await answer
        observed.chunk_s.append(now())
        observed.pieces.append(text)


_MISREAD = ("JSONDecodeError", "AttributeError", "TypeError", "KeyError", "IndexError")
"""Exceptions of a client that did not find in a reply what it looked for."""
KIND_OF_STATUS = {401: "auth", 403: "auth", 429: "rate_limited", 503: "overloaded", 529: "overloaded"}


def error_kind(error: Exception) -> str:
    """The error kind of a client's exception, by its status or its class name."""
    status = getattr(error, "status_code", None)
    if status == 200:
        return "in_band"
    if isinstance(status, int):
        return KIND_OF_STATUS.get(status, "server_error" if status >= 500 else "bad_request")
    names = [cls.__name__ for cls in type(error).__mro__]
    if any("Timeout" in name for name in names):
        return "timeout_total"
    if any(name in _MISREAD for name in names):
        return "malformed"
    return "connection"
