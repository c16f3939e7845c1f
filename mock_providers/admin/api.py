"""The admin API, under `/_mock/` on every port: for runners, tests and users to control the providers.

- `GET` of `/_mock/` itself: the live page
- `GET health`: status, profile, seed, seconds since t = 0, requests in flight, ledger rows, faults
- `GET stats`: the data of the live page, shaped as in `live_stats`. Unlike health it never sets t = 0
- `GET kinds`: `{kind: {"summary", "options"}}` of faults
- `POST start` `{"at_s": X}`: set t = 0 to X on the machine's monotonic clock (default: now)
- `GET faults`: the schedule; `POST` or `PUT faults` `[{"kind": ...}, ...]` replaces it
- `POST faults/add` `{"kind": ..., "for_s": S}`: add a fault from now on for S seconds, null for no end;
  without `for_s` the fault's own window counts. `POST faults/remove`: remove the first that equals the body
- `GET script`: the scripted replies; `POST` or `PUT script` `[{"message": ..., "text": ...}, ...]` replaces
  them. `POST script/add`: put one in front, so that it is tried first
- `POST reset` `{"seed": N}`: clear ledger, limits, counters, faults, script and t = 0
  (default: keep the seed)
- `GET ledger?since=N&follow=true`: rows of ended requests as NDJSON, from index N on (default 0); `follow`
  continues with new rows until the client disconnects or a reset. `x-ledger-rows` is the count of all rows
- `GET profile`: as JSON

Bad input gets 400 and `{"error": "<one line>"}`. A trailing slash is ignored; HEAD works wherever GET does.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

from ..faults import FaultError, parse_faults
from ..faults.base import FaultBase
from ..http import asgi
from ..http.connection import BodyTooLarge, ClientConnection, ClientGone
from ..scripts import ScriptError, parse_script
from .controls import MockControls
from .live_page import live_page
from .live_stats import fault_as_dict, fault_kinds, live_stats
from .requests import (
    BadRequest,
    FromNow,
    LedgerQuery,
    Reset,
    Start,
    checked,
    ledger_query,
    read_fault,
    read_json,
    read_options,
)

BASE_URLS = "brownout.base_urls"
"""Key of an ASGI scope: base URLs by provider name, when the server knows them."""

_MAX_BODY_BYTES = 4 * 1024 * 1024
_FOLLOW_S = 0.2
_NDJSON = (b"content-type", b"application/x-ndjson")


class _AdminRequest(NamedTuple):
    """One admin request, its body read."""

    body: bytes
    scope: asgi.Scope


Handler = Callable[[_AdminRequest], Any]


class Admin:
    """The ASGI app of the admin API."""

    def __init__(self, app: MockControls) -> None:
        self._app = app
        self._routes: Mapping[str, Mapping[str, Handler | None]] = {
            "health": {"GET": self._health},
            "start": {"POST": self._start},
            "faults": {"GET": self._faults, "POST": self._set_faults, "PUT": self._set_faults},
            "faults/add": {"POST": self._add_fault},
            "faults/remove": {"POST": self._remove_fault},
            "script": {"GET": self._script, "POST": self._set_script, "PUT": self._set_script},
            "script/add": {"POST": self._add_reply},
            "reset": {"POST": self._reset},
            "ledger": {"GET": None},  # streamed, see _respond
            "profile": {"GET": lambda _: self._app.profile.model_dump(mode="json")},
            "stats": {"GET": self._stats},
            "kinds": {"GET": lambda _: fault_kinds()},
        }

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """Answer one request."""
        path = scope["path"]
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        name = path.removeprefix("/_mock").strip("/")
        if name == "" and method == "GET":
            await _send_page(path, send)
        elif name not in self._routes or not path.startswith("/_mock/"):
            expected = f"expected /_mock/ and one of {', '.join(self._routes)}"
            await _send_json(send, 404, {"error": f"{' '.join(path.splitlines())}: {expected}"})
        elif method not in self._routes[name]:
            expected = f"expected {' or '.join(self._routes[name])}, got {method}"
            await _send_json(send, 405, {"error": f"{path}: {expected}"})
        else:
            await self._respond(self._routes[name][method], scope, receive, send)

    async def _respond(
        self, handler: Handler | None, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send
    ) -> None:
        connection = ClientConnection(scope, receive, send)
        try:
            if handler is None:
                query = ledger_query(scope)
                await self._start_ledger(connection)
                if scope["method"] != "HEAD":
                    await self._play_ledger(query, connection)
                await connection.write(b"", more=False)
            else:
                body = b"" if scope["method"] in ("GET", "HEAD") else await connection.body(_MAX_BODY_BYTES)
                await _send_json(send, 200, handler(_AdminRequest(body, scope)))
        except BodyTooLarge:
            await _send_json(send, 413, {"error": f"body: expected at most {_MAX_BODY_BYTES} bytes"})
        except (BadRequest, FaultError, ScriptError) as error:
            await _send_json(send, 400, {"error": str(error)})
        except ClientGone:
            return
        finally:
            connection.close()

    def _health(self, request: _AdminRequest) -> dict[str, object]:
        app = self._app
        return {
            "status": "ok",
            "profile": app.profile.name,
            "seed": app.seed,
            "t_s": app.instant().t_s,
            "in_flight": app.in_flight,
            "ledger_rows": len(app.ledger),
            "faults": len(app.faults),
        }

    def _stats(self, request: _AdminRequest) -> dict[str, object]:
        started_at = self._app.started_at
        t_s = None if started_at is None else asyncio.get_running_loop().time() - started_at
        return live_stats(self._app, t_s, request.scope.get(BASE_URLS, {}))

    def _start(self, request: _AdminRequest) -> dict[str, float]:
        return {"at_s": self._app.start(read_options(Start, request.body).at_s)}

    def _reset(self, request: _AdminRequest) -> dict[str, object]:
        self._app.reset(read_options(Reset, request.body).seed)
        return self._health(request)

    def _faults(self, request: _AdminRequest) -> list[dict[str, Any]]:
        return [fault_as_dict(fault) for fault in self._app.faults]

    def _set_faults(self, request: _AdminRequest) -> list[dict[str, Any]]:
        self._app.set_faults(parse_faults(read_json(request.body), self._app.profile))
        return self._faults(request)

    def _add_fault(self, request: _AdminRequest) -> list[dict[str, Any]]:
        item = read_fault(request.body)
        if "for_s" in item:
            item = self._from_now(item)
        self._app.set_faults([*self._app.faults, self._one_fault(item)])
        return self._faults(request)

    def _remove_fault(self, request: _AdminRequest) -> list[dict[str, Any]]:
        faults, fault = list(self._app.faults), self._one_fault(read_fault(request.body))
        if fault not in faults:
            raise BadRequest("body: expected one of the scheduled faults, as GET faults lists it")
        faults.remove(fault)
        self._app.set_faults(faults)
        return self._faults(request)

    def _script(self, request: _AdminRequest) -> list[dict[str, Any]]:
        return [entry.as_dict() for entry in self._app.script]

    def _set_script(self, request: _AdminRequest) -> list[dict[str, Any]]:
        self._app.set_script(parse_script(read_json(request.body), self._app.profile))
        return self._script(request)

    def _add_reply(self, request: _AdminRequest) -> list[dict[str, Any]]:
        entry = parse_script([read_json(request.body)], self._app.profile)
        self._app.set_script((*entry, *self._app.script))
        return self._script(request)

    def _from_now(self, item: dict[str, Any]) -> dict[str, Any]:
        """The fault with its `for_s` replaced by a window that begins now."""
        if "from_s" in item or "to_s" in item:
            raise BadRequest("for_s: expected without from_s and to_s, it counts from now")
        for_s = checked(FromNow, {"for_s": item["for_s"]}).for_s
        from_s = max(0.0, self._app.instant().t_s)
        rest = {name: value for name, value in item.items() if name != "for_s"}
        return {**rest, "from_s": from_s, "to_s": None if for_s is None else from_s + for_s}

    def _one_fault(self, item: dict[str, Any]) -> FaultBase:
        try:
            (fault,) = parse_faults([item], self._app.profile)
        except FaultError as error:
            raise BadRequest(str(error).removeprefix("faults.0.")) from None
        return fault

    async def _start_ledger(self, connection: ClientConnection) -> None:
        await connection.start(200, [_NDJSON, (b"x-ledger-rows", b"%d" % len(self._app.ledger))])

    async def _play_ledger(self, query: LedgerQuery, connection: ClientConnection) -> None:
        ledger, since = self._app.ledger, query.since
        while True:
            end = len(ledger)
            for part in ledger.ndjson(since=since):
                await connection.write(part, more=True)
                await connection.yield_to_loop()
            since = max(since, end)
            if not query.follow or self._app.ledger is not ledger:
                return
            await connection.until(connection.now() + _FOLLOW_S)


async def _send_page(path: str, send: asgi.Send) -> None:
    if path != "/_mock/":  # the page's own requests are relative to this
        await asgi.reply(send, 308, [(b"location", b"/_mock/")], b"")
    else:
        await asgi.reply(send, 200, *live_page())


async def _send_json(send: asgi.Send, status: int, value: Any) -> None:
    await asgi.reply(send, status, [asgi.JSON], orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))
