"""asyncio's loop methods that do not exist in virtual time: NotImplementedError names the alternative."""

from collections.abc import Callable, Coroutine
from typing import Any, NoReturn


def _unsupported(name: str, instead: str) -> Callable[..., Coroutine[Any, Any, NoReturn]]:
    async def unsupported(*_: object, **__: object) -> NoReturn:
        raise NotImplementedError(f"VirtualLoop.{name}() does not exist in virtual time: {instead}")

    unsupported.__name__ = unsupported.__qualname__ = name
    return unsupported


_STREAMS = "the in-memory network knows TCP streams only; use create_connection() and create_server()"
_RAW = "raw socket calls would leave the in-memory network; use create_connection() and create_server()"
_REAL_TIME = "pipes and other processes run in real time"
_TLS = "the in-memory network does not encrypt; use http:// URLs"


class Unsupported:
    """Mixin: the unsupported methods of an asyncio loop."""

    create_unix_connection = _unsupported("create_unix_connection", _STREAMS)
    create_unix_server = _unsupported("create_unix_server", _STREAMS)
    create_datagram_endpoint = _unsupported("create_datagram_endpoint", _STREAMS)
    connect_accepted_socket = _unsupported("connect_accepted_socket", _RAW)
    sock_accept = _unsupported("sock_accept", _RAW)
    sock_recv = _unsupported("sock_recv", _RAW)
    sock_recv_into = _unsupported("sock_recv_into", _RAW)
    sock_recvfrom = _unsupported("sock_recvfrom", _RAW)
    sock_recvfrom_into = _unsupported("sock_recvfrom_into", _RAW)
    sock_sendall = _unsupported("sock_sendall", _RAW)
    sock_sendto = _unsupported("sock_sendto", _RAW)
    sock_sendfile = _unsupported("sock_sendfile", _RAW)
    sendfile = _unsupported("sendfile", "read the file and write() its bytes")
    start_tls = _unsupported("start_tls", _TLS)
    connect_read_pipe = _unsupported("connect_read_pipe", _REAL_TIME)
    connect_write_pipe = _unsupported("connect_write_pipe", _REAL_TIME)
    subprocess_exec = _unsupported("subprocess_exec", _REAL_TIME)
    subprocess_shell = _unsupported("subprocess_shell", _REAL_TIME)
