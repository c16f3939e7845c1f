"""A transport between the stack and the mock providers, where batches go wrong in any way that is drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx
import orjson
from hypothesis import strategies as st

Operation = Literal["upload", "create", "status", "list", "results"]
PASS = "pass"
ODD = ("answer lost", "html", "shape")
TROUBLE = ("403", "404", "413", "429", "500", "503", "unreachable", "broken", *ODD)
MEDDLED = ("reverse", "twice", "foreign", "lose", "garbage", "cut", "null")
TWISTED = (("twist",), ("twist", "reverse"), ("twist", "twice"), ("twist", "foreign"))
"""One answer under the id of another, beside the right one: alone it could not be recognised."""


@dataclass
class Plan:
    """The troubles of each request of an operation, in order; afterwards `forever`. `limited`: how many
    batches fail in validation because too much is enqueued. `lines`: what is done to each file of results.
    """

    troubles: Mapping[str, Sequence[str]] = field(default_factory=dict)
    forever: Mapping[str, str] = field(default_factory=dict)
    limited: int = 0
    lines: Sequence[str] = ()


def plans() -> st.SearchStrategy[Plan]:
    """Any plan."""
    operations = st.sampled_from(["upload", "create", "status", "list", "results"])
    trouble = st.sampled_from([PASS, *TROUBLE])
    return st.builds(
        Plan,
        troubles=st.dictionaries(operations, st.lists(trouble, max_size=6)),
        forever=st.dictionaries(operations, trouble, max_size=2),
        limited=st.sampled_from([0, 0, 1, 3, 1_000]),
        lines=st.lists(st.sampled_from(MEDDLED), max_size=2) | st.sampled_from(TWISTED),
    )


class Meddler(httpx.AsyncBaseTransport):
    """Passes requests on to `inner` by a plan."""

    def __init__(self, inner: httpx.AsyncBaseTransport, plan: Plan) -> None:
        self._inner = inner
        self._plan = plan
        self._asked: dict[str, int] = {}
        self.limited = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        operation = operation_of(request)
        if operation is None:
            return await self._inner.handle_async_request(request)
        trouble = self._next(operation)
        refused = _refused(trouble)
        if refused is not None:
            return refused
        faked = self._failed_in_validation(request, operation)
        if faked is not None:
            return faked if trouble == PASS else _odd(trouble)
        if operation == "upload" and trouble in ODD:
            return _odd(trouble)
        status, body = await self._passed_on(request)
        if trouble in ODD:
            return _odd(trouble)
        if operation == "results" and status == 200:
            body = meddled(body, self._plan.lines)
        return httpx.Response(status, content=body)

    async def _passed_on(self, request: httpx.Request) -> tuple[int, bytes]:
        answer = await self._inner.handle_async_request(request)
        answer.request = request
        body = await answer.aread()
        await answer.aclose()
        return answer.status_code, body

    def _next(self, operation: Operation) -> str:
        n = self._asked[operation] = self._asked.get(operation, 0) + 1
        drawn = self._plan.troubles.get(operation, ())
        return drawn[n - 1] if n <= len(drawn) else self._plan.forever.get(operation, PASS)

    def _failed_in_validation(self, request: httpx.Request, operation: Operation) -> httpx.Response | None:
        """OpenAI takes the batch and fails it (openai-python#2084); Anthropic refuses it with 429."""
        if operation == "create" and self.limited < self._plan.limited:
            self.limited += 1
            if "/messages/" in request.url.path:
                return httpx.Response(429, json={"type": "error", "error": {"type": "rate_limit_error"}})
            return httpx.Response(200, json={"id": f"limited-{self.limited}"})
        if operation == "status" and "/limited-" in request.url.path:
            error = {"code": "token_limit_exceeded", "message": "Enqueued token limit reached", "line": None}
            batch = {"id": "x", "status": "failed", "errors": {"object": "list", "data": [error]}}
            return httpx.Response(200, json=batch)
        return None

    async def aclose(self) -> None:
        await self._inner.aclose()


def _refused(trouble: str) -> httpx.Response | None:
    """The answer to a request that does not reach the provider; None if it does."""
    if trouble == "unreachable":
        raise httpx.ConnectError("nobody listens")
    if trouble == "broken":
        raise httpx.ReadError("reset")
    if not trouble.isdecimal():
        return None
    kind = "rate_limit_error" if trouble == "429" else "no"
    return httpx.Response(int(trouble), json={"error": {"message": "no", "type": kind}})


def _odd(trouble: str) -> httpx.Response:
    """The rest of an answer."""
    if trouble == "answer lost":
        raise httpx.ReadError("reset")
    return httpx.Response(200, text="<html>" if trouble == "html" else '{"id": 5, "data": [7]}')


def operation_of(request: httpx.Request) -> Operation | None:
    """The operation of a batch API, None for a live call."""
    path = request.url.path
    if path.endswith("/files"):
        return "upload"
    if path.endswith(("/content", "/results")):
        return "results"
    if path.endswith("/batches"):
        return "create" if request.method == "POST" else "list"
    return "status" if "/batches/" in path else None


def meddled(body: bytes, how: Sequence[str]) -> bytes:
    """The lines of a file of results, as a lenient or broken server gives them."""
    lines: list[Any] = [orjson.loads(line) for line in body.splitlines()]
    for each in how:
        lines = _changed(lines, each)
    joined = b"\n".join(orjson.dumps(line) for line in lines)
    return joined[: len(joined) // 2] if "cut" in how else joined


def _changed(lines: list[Any], how: str) -> list[Any]:
    readable = [line for line in lines if isinstance(line, dict)]
    if how == "reverse":
        return lines[::-1]
    if how == "twice":
        return lines + lines
    if how == "foreign":
        return [line | {"custom_id": "somebody-else-1"} for line in readable[:1]] + lines
    if how == "twist" and len(readable) > 1:
        return [*lines[1:], readable[0] | {"custom_id": readable[1].get("custom_id")}]
    if how == "lose":
        return lines[1:]
    if how == "garbage":
        return [7, "x", None, {}, *lines[1:]]
    if how == "null":
        return [dict.fromkeys(line, None) for line in readable[:1]] + lines[1:]
    return lines
