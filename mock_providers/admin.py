"""The admin API, under `/_mock/` on every port: how a runner, a test or a user steers the providers.

- `GET health`: status, profile, seed, whether and how long t = 0 has passed, requests in flight, rows
- `POST start` `{"at_s": X}`: t = 0 is X on the machine's monotonic clock (default: now)
- `GET faults`; `POST` or `PUT faults` `[{"kind": ...}, ...]`: the schedule; a new one replaces the old
- `POST reset` `{"seed": N}`: forget ledger, limits, counters, faults and t = 0 (default: keep the seed)
- `GET ledger`: NDJSON, the rows of requests that have ended
- `GET profile`: as JSON

Bad input gets 400 and `{"error": "<one line>"}`.
"""

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import orjson
from pydantic import Field, ValidationError

from . import asgi
from .faults import FaultError, parse_faults
from .latency import Options
from .playback import BodyTooLarge, Gone, Line
from .validation import one_line

if TYPE_CHECKING:
    from .app import MockApp

T = TypeVar("T", bound=Options)

_MAX_BODY_BYTES = 4 * 1024 * 1024
_METHODS = {
    "health": ("GET",),
    "start": ("POST",),
    "faults": ("GET", "POST", "PUT"),
    "reset": ("POST",),
    "ledger": ("GET",),
    "profile": ("GET",),
}


class _Start(Options):
    at_s: Annotated[float, Field(allow_inf_nan=False)] | None = None


class _Reset(Options):
    seed: int | None = None


class BadRequest(Exception):
    """The admin request cannot be honoured; one line."""


class Admin:
    """The ASGI app of the admin API."""

    def __init__(self, app: "MockApp") -> None:
        self._app = app

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """Answer one request."""
        method, path = scope["method"], scope["path"]
        name = path.removeprefix("/_mock/")
        if name not in _METHODS:
            await _send_json(
                send, 404, {"error": f"{path}: expected /_mock/ and one of {', '.join(_METHODS)}"}
            )
        elif method not in _METHODS[name]:
            await _send_json(
                send, 405, {"error": f"{path}: expected {' or '.join(_METHODS[name])}, got {method}"}
            )
        elif name == "ledger":
            await self._send_ledger(send)
        else:
            await self._respond(name, method, Line(scope, receive, send), send)

    async def _respond(self, name: str, method: str, line: Line, send: asgi.Send) -> None:
        try:
            body = await line.body(_MAX_BODY_BYTES) if method != "GET" else b""
            await _send_json(send, 200, self._do(name, method, body))
        except BodyTooLarge:
            await _send_json(send, 413, {"error": f"body: expected at most {_MAX_BODY_BYTES} bytes"})
        except (BadRequest, FaultError) as error:
            await _send_json(send, 400, {"error": str(error)})
        except Gone:
            return

    def _do(self, name: str, method: str, body: bytes) -> Any:
        app = self._app
        if name == "profile":
            return app.profile.model_dump(mode="json")
        if name == "start":
            return {"at_s": app.start(_options(_Start, body).at_s)}
        if name == "reset":
            app.reset(_options(_Reset, body).seed)
        elif name == "faults" and method != "GET":
            app.set_faults(parse_faults(_json(body), app.profile))
        if name == "faults":
            return [fault.model_dump(mode="json") for fault in app.faults]
        return self._health()

    def _health(self) -> dict[str, object]:
        app = self._app
        return {
            "status": "ok",
            "profile": app.profile.name,
            "seed": app.run.seed,
            "t_s": app.moment().t_s,
            "in_flight": app.in_flight,
            "ledger_rows": len(app.ledger),
            "faults": len(app.faults),
        }

    async def _send_ledger(self, send: asgi.Send) -> None:
        headers = [(b"content-type", b"application/x-ndjson")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for part in self._app.ledger.ndjson():
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send_json(send: asgi.Send, status: int, value: Any) -> None:
    await asgi.reply(send, status, [asgi.JSON], orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except ValueError as error:
        raise BadRequest(f"body: expected JSON: {error}") from None


def _options(kind: type[T], body: bytes) -> T:
    try:
        return kind.model_validate(_json(body) if body.strip() else {})
    except ValidationError as error:
        raise BadRequest(one_line(error)) from None
