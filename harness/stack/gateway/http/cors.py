"""Cross-origin requests of browser apps, from origins that the stack file names.

Source: the WHATWG fetch standard, section 3.2, "CORS protocol".
"""

from collections.abc import Sequence

from .asgi import AsgiMessage, Scope, Send, headers_of

ANY_ORIGIN = "*"
_PREFLIGHT_S = 600


def allowed_origin(scope: Scope, origins: Sequence[str]) -> str | None:
    """The `access-control-allow-origin` of a response; None without an origin, or for a foreign one."""
    origin = headers_of(scope).get("origin") if origins else None
    if origin is None:
        return None
    return ANY_ORIGIN if ANY_ORIGIN in origins else origin if origin in origins else None


def is_preflight(scope: Scope) -> bool:
    """Whether a browser asks if it may send a request."""
    return scope["method"] == "OPTIONS" and "access-control-request-method" in headers_of(scope)


def preflight_headers(scope: Scope, origin: str) -> dict[str, str]:
    """The answer to such a question: every method and header that the browser names."""
    asked = headers_of(scope)
    return {
        "access-control-allow-origin": origin,
        "access-control-allow-methods": asked["access-control-request-method"],
        "access-control-allow-headers": asked.get("access-control-request-headers", "authorization"),
        "access-control-max-age": str(_PREFLIGHT_S),
        "content-length": "0",
        "vary": "origin",
    }


def sending_to(origin: str, send: Send) -> Send:
    """`send`, whose responses a page of `origin` may read, `x-brownout-*` headers included."""

    async def send_with_origin(message: AsgiMessage) -> None:
        if message["type"] == "http.response.start":
            headers = [
                (b"access-control-allow-origin", origin.encode("latin-1")),
                (b"access-control-expose-headers", b"*"),
                (b"vary", b"origin"),
            ]
            message = {**message, "headers": [*message["headers"], *headers]}
        await send(message)

    return send_with_origin
