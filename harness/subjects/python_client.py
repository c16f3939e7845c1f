"""Somebody's own client, any SDK, as its users write it."""

import asyncio
import importlib.util
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from harness.errors import InputError
from harness.load.driver import Ask
from harness.load.plan import PlannedCall
from harness.load.reading import Seen
from harness.spec.subject import Subject
from harness.stack.upstream.endpoint import Endpoint


def load_client(subject: Subject) -> Any:
    """The attribute that the subject's `call` names. Raises InputError when it is not there."""
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
    """Asks the client; a class is made once, a function is handed the providers at every call."""

    def __init__(self, target: Callable[..., Any], providers: Mapping[str, Endpoint]) -> None:
        is_class = inspect.isclass(target)
        self._made: Any = target(providers) if is_class else None
        self._target: Any = self._made if is_class else target
        self._more = {} if is_class else {"providers": providers}

    async def aclose(self) -> None:
        """Close what was made, if it can be closed."""
        close = getattr(self._made, "aclose", None)
        if close is not None:
            await close()

    def ask(self) -> Ask:
        """Makes a call; the moment of each piece is when it is yielded."""

        async def ask(planned: PlannedCall, seen: Seen) -> None:
            messages = [{"role": role, "content": content} for role, content in planned.messages]
            try:
                await _read(self._target(messages, max_tokens=planned.max_tokens, **self._more), seen)
                seen.status, seen.finish_reason = 200, "stop"
            except Exception as error:  # noqa: BLE001  # whatever a client raises is a failed call
                seen.error_kind = error_kind(error)
                seen.status = getattr(error, "status_code", None)

        return ask


async def _read(answer: AsyncIterator[str] | Awaitable[str], seen: Seen) -> None:
    now = asyncio.get_running_loop().time
    if isinstance(answer, AsyncIterator):
        async for piece in answer:
            if piece:
                seen.chunk_s.append(now())
                seen.pieces.append(piece)
    else:
        text = await answer
        seen.chunk_s.append(now())
        seen.pieces.append(text)


KIND_OF_STATUS = {401: "auth", 403: "auth", 429: "rate_limited", 503: "overloaded", 529: "overloaded"}


def error_kind(error: Exception) -> str:
    """What a client's own exception amounts to, by its status or its name, in the words of the report."""
    status = getattr(error, "status_code", None)
    if status == 200:
        return "in_band"
    if isinstance(status, int):
        return KIND_OF_STATUS.get(status, "server_error" if status >= 500 else "bad_request")
    names = [cls.__name__ for cls in type(error).__mro__]
    if any("Timeout" in name for name in names):
        return "timeout_total"
    if "JSONDecodeError" in names:
        return "malformed"
    return "connection"
