"""What the virtual world has no equivalent for fails at once, with a sentence."""

from collections.abc import Callable, Coroutine
from typing import Any, NoReturn


def _refuse(name: str, instead: str) -> Callable[..., Coroutine[Any, Any, NoReturn]]:
    async def refused(*_: object, **__: object) -> NoReturn:
        raise NotImplementedError(f"VirtualLoop.{name}() does not exist in virtual time: {instead}")

    refused.__name__ = refused.__qualname__ = name
    return refused


_STREAMS = "the in-memory network knows TCP streams only; use create_connection() and create_server()"
_RAW = "raw socket calls would leave the in-memory network; use create_connection() and create_server()"
_OUTSIDE = "a pipe or a process outside lives in real time"
_TLS = "the in-memory network does not encrypt; use http:// URLs"


class Refusals:
    """Mixin for the loop: the methods of an asyncio loop that are not supported."""

    create_unix_connection = _refuse("create_unix_connection", _STREAMS)
    create_unix_server = _refuse("create_unix_server", _STREAMS)
    create_datagram_endpoint = _refuse("create_datagram_endpoint", _STREAMS)
    connect_accepted_socket = _refuse("connect_accepted_socket", _RAW)
    sock_accept = _refuse("sock_accept", _RAW)
    sock_recv = _refuse("sock_recv", _RAW)
    sock_recv_into = _refuse("sock_recv_into", _RAW)
    sock_recvfrom = _refuse("sock_recvfrom", _RAW)
    sock_recvfrom_into = _refuse("sock_recvfrom_into", _RAW)
    sock_sendall = _refuse("sock_sendall", _RAW)
    sock_sendto = _refuse("sock_sendto", _RAW)
    sock_sendfile = _refuse("sock_sendfile", _RAW)
    sendfile = _refuse("sendfile", "read the file and write() its bytes")
    start_tls = _refuse("start_tls", _TLS)
    connect_read_pipe = _refuse("connect_read_pipe", _OUTSIDE)
    connect_write_pipe = _refuse("connect_write_pipe", _OUTSIDE)
    subprocess_exec = _refuse("subprocess_exec", _OUTSIDE)
    subprocess_shell = _refuse("subprocess_shell", _OUTSIDE)
