"""Host names of the in-memory network and their addresses."""

import ipaddress
import socket
from typing import Any

LOCALHOST = "127.0.0.1"
_SERVICES = {"http": 80, "https": 443}


class Names:
    """Host names and their addresses. `localhost` and every IP literal are known from the start."""

    def __init__(self) -> None:
        self._addresses: dict[str, tuple[str, ...]] = {"localhost": (LOCALHOST, "::1")}

    def register(self, name: str, *addresses: str) -> None:
        """Map a host name to IP addresses, tried in this order; default 127.0.0.1."""
        self._addresses[name.lower()] = tuple(str(ipaddress.ip_address(a)) for a in addresses) or (LOCALHOST,)

    def getaddrinfo(
        self, host: Any, port: Any, *, family: int = 0, kind: int = 0, proto: int = 0, flags: int = 0
    ) -> list[Any]:
        """As socket.getaddrinfo; streams only unless `kind` says otherwise.

        `localhost` resolves to IPv4 alone unless `family` is IPv6: a second address to try would only delay a
        refused connection. Raises socket.gaierror for an unknown name, service or family.
        """
        number = _port(port)
        found = [
            (
                found_family,
                socket.SocketKind(kind or socket.SOCK_STREAM),
                proto or socket.IPPROTO_TCP,
                "",
                address,
            )
            for found_family, address in (
                _sockaddr(ip, number) for ip in self._resolve(_text(host), family, flags)
            )
            if family in (socket.AF_UNSPEC, found_family)
        ]
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return found

    def _resolve(self, host: str, family: int, flags: int) -> tuple[str, ...]:
        if not host:
            return ("0.0.0.0", "::") if flags & socket.AI_PASSIVE else (LOCALHOST, "::1")
        try:
            return (str(ipaddress.ip_address(host.partition("%")[0])),)
        except ValueError:
            pass
        if flags & socket.AI_NUMERICHOST or host.lower() not in self._addresses:
            raise socket.gaierror(socket.EAI_NONAME, f"Name or service not known: {host!r}")
        addresses = self._addresses[host.lower()]
        return addresses if family or host.lower() != "localhost" else addresses[:1]


def _sockaddr(ip: str, port: int) -> tuple[socket.AddressFamily, tuple[Any, ...]]:
    if ":" in ip:
        return socket.AF_INET6, (ip, port, 0, 0)
    return socket.AF_INET, (ip, port)


def _text(host: Any) -> str:
    if host is None:
        return ""
    return host.decode("ascii") if isinstance(host, bytes) else str(host)


def _port(port: Any) -> int:
    if isinstance(port, bytes):
        port = port.decode("ascii")
    if port is None or port == "":
        return 0
    if isinstance(port, int) or port.isdecimal():
        return int(port)
    if port not in _SERVICES:
        raise socket.gaierror(socket.EAI_SERVICE, f"Servname not supported: {port!r}")
    return _SERVICES[port]
