"""The in-memory network: addresses, names, connecting, delays."""

import asyncio
import errno
import math
import socket
from typing import Any

import pytest

from harness.virtual import Link, Network, VirtualLoop, run_virtual

Address = tuple[str, int]


def network() -> Network:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop.network


def now() -> float:
    return asyncio.get_running_loop().time()


async def serve(host: Any = "127.0.0.1", port: int = 0, factory: Any = asyncio.Protocol) -> Any:
    return await asyncio.get_running_loop().create_server(factory, host, port)


async def connect(host: str, port: int) -> Any:
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, host, port)
    return transport


def test_port_0_gives_the_same_ports_every_time() -> None:
    async def main() -> list[int]:
        return [(await serve()).sockets[0].getsockname()[1] for _ in range(3)]

    assert run_virtual(main()) == [49152, 49153, 49154]
    assert run_virtual(main()) == [49152, 49153, 49154]


def test_both_ends_know_both_addresses() -> None:
    accepted: list[Any] = []

    class Keep(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            accepted.append(transport)

    async def main() -> None:
        await serve("10.1.2.3", 8080, Keep)
        client = await connect("10.1.2.3", 8080)
        server = accepted[0]
        for end, name, peer in (
            (client, ("10.1.2.3", 32768), ("10.1.2.3", 8080)),
            (server, ("10.1.2.3", 8080), ("10.1.2.3", 32768)),
        ):
            sock = end.get_extra_info("socket")
            assert end.get_extra_info("sockname") == sock.getsockname() == name
            assert end.get_extra_info("peername") == sock.getpeername() == peer
            assert (sock.family, sock.type) == (socket.AF_INET, socket.SOCK_STREAM)
            assert sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1) is None
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
        assert network().open_connections == (Link(("10.1.2.3", 32768), ("10.1.2.3", 8080)),)

    run_virtual(main())


def test_connecting_to_a_port_without_listener_is_refused() -> None:
    async def main() -> float:
        with pytest.raises(ConnectionRefusedError) as caught:
            await connect("127.0.0.1", 1)
        assert caught.value.errno == errno.ECONNREFUSED
        assert caught.value.strerror == "Connect call failed ('127.0.0.1', 1)"
        return now()

    assert run_virtual(main()) == 0.0


def test_a_server_listens_from_start_serving_to_close() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 80, start_serving=False)
        assert not server.is_serving()
        with pytest.raises(ConnectionRefusedError):
            await connect("127.0.0.1", 80)
        await server.start_serving()
        assert server.is_serving()
        (await connect("127.0.0.1", 80)).close()
        server.close()
        await server.wait_closed()
        assert (server.sockets, network().listening) == ((), ())
        with pytest.raises(ConnectionRefusedError):
            await connect("127.0.0.1", 80)

    run_virtual(main())


def test_serve_forever_ends_by_cancellation_and_closes() -> None:
    async def main() -> None:
        async with await serve(port=80) as server:
            task = asyncio.create_task(server.serve_forever())
            await asyncio.sleep(3)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert not server.is_serving()

    run_virtual(main())


def test_an_address_is_bound_once() -> None:
    async def main() -> None:
        await serve(port=80)
        await serve(port=81)
        await serve("127.0.0.2", port=80)
        with pytest.raises(OSError, match="address already in use") as caught:
            await serve(port=80)
        assert caught.value.errno == errno.EADDRINUSE

    run_virtual(main())


@pytest.mark.parametrize("host", [None, "", "0.0.0.0"])
def test_a_wildcard_server_answers_on_every_address(host: str | None) -> None:
    async def main() -> None:
        await serve(host, 80)
        for name in ("127.0.0.1", "192.168.1.7", "localhost"):
            (await connect(name, 80)).close()

    run_virtual(main())


def test_ipv6_addresses_work() -> None:
    async def main() -> Any:
        await serve("::1", 80)
        return (await connect("::1", 80)).get_extra_info("peername")

    assert run_virtual(main()) == ("::1", 80, 0, 0)


def test_a_registered_name_stands_for_its_addresses_and_an_unknown_one_is_an_error() -> None:
    async def main() -> None:
        network().names.register("api.example.com", "10.0.0.1", "10.0.0.2")
        await serve("10.0.0.2", 443)
        transport = await connect("API.example.com", 443)
        assert transport.get_extra_info("peername") == ("10.0.0.2", 443)
        with pytest.raises(socket.gaierror, match=r"nowhere\.example\.com"):
            await connect("nowhere.example.com", 443)

    run_virtual(main())


def test_getaddrinfo_answers_as_sockets_do() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        for host, port in (("127.0.0.1", 80), ("127.0.0.1", "80"), (b"127.0.0.1", "http"), ("::1", 443)):
            wanted = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            assert await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM) == wanted
        assert (await loop.getaddrinfo("localhost", 1))[0][4] == ("127.0.0.1", 1)
        assert await loop.getnameinfo(("127.0.0.1", 80)) == ("127.0.0.1", "80")

    run_virtual(main())


def test_sock_connect_then_create_connection_works_and_closes_the_real_socket() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        await serve(port=80)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            sock.setblocking(False)
            await loop.sock_connect(sock, ("127.0.0.1", 80))
            transport, _ = await loop.create_connection(asyncio.Protocol, sock=sock)
            assert transport.get_extra_info("peername") == ("127.0.0.1", 80)
            assert sock.fileno() == -1
        with socket.socket() as sock, pytest.raises(ConnectionRefusedError):
            await loop.sock_connect(sock, ("127.0.0.1", 81))
        with socket.socket() as sock, pytest.raises(NotImplementedError, match="sock_connect"):
            await loop.create_connection(asyncio.Protocol, sock=sock)

    run_virtual(main())


def test_a_server_on_a_socket_takes_its_address_and_closes_it() -> None:
    async def main() -> None:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            server = await asyncio.get_running_loop().create_server(asyncio.Protocol, sock=sock)
            assert server.sockets[0].getsockname() == sock.getsockname()
            (await connect(*sock.getsockname())).close()
            server.close()
            assert sock.fileno() == -1

    run_virtual(main())


def test_tls_is_refused_with_a_sentence() -> None:
    async def main() -> None:
        await asyncio.get_running_loop().create_connection(asyncio.Protocol, "127.0.0.1", 443, ssl=True)

    with pytest.raises(NotImplementedError, match="use http:// URLs"):
        run_virtual(main())


class Echo(asyncio.Protocol):
    """Echoes received data."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


async def time_echo(port: int) -> tuple[float, float]:
    began_s = now()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    connected_s = now() - began_s
    writer.write(b"ping")
    await reader.readexactly(4)
    writer.close()
    return connected_s, now() - began_s - connected_s


def test_a_delay_is_applied_each_way_and_a_connect_takes_a_round_trip() -> None:
    async def main() -> list[tuple[float, float]]:
        await serve(port=80, factory=Echo)
        await serve(port=81, factory=Echo)
        seen = [await time_echo(80)]
        network().delay_s = 0.25
        seen.append(await time_echo(80))
        network().delay_s = {("127.0.0.1", 80): 0.5}
        seen += [await time_echo(80), await time_echo(81)]
        network().delay_s = lambda _source, destination: 1.0 if destination[1] == 80 else 0.125
        seen.append(await time_echo(80))
        return seen

    assert run_virtual(main()) == [(0, 0), (0.5, 0.5), (1.0, 1.0), (0, 0), (1.125, 1.125)]


def test_an_infinite_delay_is_a_black_hole() -> None:
    async def main() -> float:
        await serve(port=80)
        network().delay_s = math.inf
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(connect("127.0.0.1", 80), 30)
        return now()

    assert run_virtual(main()) == 30.0


def test_a_negative_delay_is_an_error() -> None:
    async def main() -> None:
        network().delay_s = -1.0

    with pytest.raises(ValueError, match="0 or more, got -1"):
        run_virtual(main())


def test_order_is_kept_when_the_delay_shrinks_meanwhile() -> None:
    got: list[bytes] = []

    class Collect(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            got.append(data)

    async def main() -> None:
        await serve(port=80, factory=Collect)
        transport = await connect("127.0.0.1", 80)
        for n, delay_s in enumerate((1.0, 0.1, 0.0)):
            network().delay_s = delay_s
            transport.write(b"%d" % n)
        await asyncio.sleep(2)

    run_virtual(main())
    assert b"".join(got) == b"012"


def test_a_server_whose_factory_fails_resets_its_client() -> None:
    def fail() -> asyncio.Protocol:
        raise LookupError("no protocol today")

    async def main() -> list[str]:
        reported: list[str] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: reported.append(str(context["exception"])))
        await serve(port=80, factory=fail)
        reader, _ = await asyncio.open_connection("127.0.0.1", 80)
        with pytest.raises(ConnectionResetError):
            await reader.read()
        return reported

    assert run_virtual(main()) == ["no protocol today"]
