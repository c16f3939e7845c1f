"""Shared by `brownout mock` and `brownout gateway`: announce readiness, serve until stopped."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import orjson
import typer

if TYPE_CHECKING:
    from mock_providers import AsgiApp

OnReady = Callable[[dict[str, str]], None]


def announce(as_json: bool, what: str) -> OnReady:
    """A function that prints the URLs: as one JSON line, or as a few lines of text."""

    def print_urls(urls: dict[str, str]) -> None:
        if as_json:
            typer.echo(orjson.dumps(urls).decode())
        else:
            typer.echo(f"{what}, until Ctrl-C:")
            for name, url in urls.items():
                typer.echo(f"  {name:<10} {url}")
        sys.stdout.flush()

    return print_urls


def stop_event(*, until_stdin_closes: bool) -> asyncio.Event:
    """An event set by SIGINT, SIGTERM and, optionally, the end of standard input (the parent has ended)."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if until_stdin_closes:

        def read() -> None:
            if not os.read(sys.stdin.fileno(), 4096):
                loop.remove_reader(sys.stdin.fileno())
                stop.set()

        loop.add_reader(sys.stdin.fileno(), read)
    return stop


async def serve_app(app: "AsgiApp", host: str, port: int, on_ready: OnReady, stop: asyncio.Event) -> None:
    """Serve one application on one port until `stop`; open requests are then cut. Raises BindError."""
    from mock_providers import build_server, listen, shut_down

    sock = listen(host, port, "gateway")
    server = build_server(app)
    await server.startup(sockets=[sock])
    try:
        on_ready({"url": f"http://{host}:{sock.getsockname()[1]}/v1"})
        await stop.wait()
    finally:
        await shut_down(server)
