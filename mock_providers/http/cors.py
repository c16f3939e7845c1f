"""CORS for browser apps: preflight requests are answered, and any origin may read any response.

Only requests with an `Origin` are concerned, so the bytes for every other client stay as the provider sends
them. Source: fetch.spec.whatwg.org/#http-cors-protocol.
"""

from collections.abc import MutableMapping
from typing import Any

from . import asgi

_WANTED_METHOD = b"access-control-request-method"
_WANTED_HEADERS = b"access-control-request-headers"
_ALLOWED = [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", b"*")]
_METHODS = b"GET, POST, PUT, PATCH, DELETE, OPTIONS"
_MAX_AGE_S = b"86400"


def is_preflight(scope: asgi.Scope) -> bool:
    """Whether the request only asks whether another one is allowed."""
    return scope["method"] == "OPTIONS" and any(name == _WANTED_METHOD for name, _ in scope["headers"])


async def answer_preflight(scope: asgi.Scope, send: asgi.Send) -> None:
    """Allow the method and the headers that the browser asks for; `*` would not cover `Authorization`."""
    wanted = next((value for name, value in scope["headers"] if name == _WANTED_HEADERS), b"*")
    headers = [
        *_ALLOWED,
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-allow-headers", wanted),
        (b"access-control-allow-private-network", b"true"),
        (b"access-control-max-age", _MAX_AGE_S),
    ]
    await asgi.reply(send, 204, headers, b"")


def readable(scope: asgi.Scope, send: asgi.Send) -> asgi.Send:
    """The `send` of a request, its response readable by the origin that the request names."""
    if not any(name == b"origin" for name, _ in scope["headers"]):
        return send

    async def send_readable(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *_ALLOWED]}
        await send(message)

    return send_readable
