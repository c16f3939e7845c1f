"""Shared by `brownout mock` and `brownout gateway`: announce readiness, serve until stopped."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import orjson
import typer

from harness.errors import InputError

if TYPE_CHECKING:
    from mock_providers import AsgiApp

_LAST_PORT = 65535
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


def named_ports(options: Iterable[str], names: Sequence[str]) -> dict[str, int]:
    """The port of each name; raises InputError for another name or port."""
    ports = {}
    for text in options:
        name, _, number = text.partition("=")
        if name not in names or not number.isdecimal() or int(number) > _LAST_PORT:
            expected = f"NAME=PORT with NAME one of {', '.join(names)} and PORT up to {_LAST_PORT}"
            raise InputError(f"--port {text}: expected {expected}")
        ports[name] = int(number)
    return ports


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
    """Serve one OpenAI-compatible application until `stop`; open requests are then cut. Raises BindError."""
    name = "gateway"
    await serve_apps(
        {name: app}, host, {name: port}, {name: "/v1"}, lambda urls: on_ready({"url": urls[name]}), stop
    )


async def serve_apps(
    apps: Mapping[str, "AsgiApp"],
    host: str,
    ports: Mapping[str, int],
    base_paths: Mapping[str, str],
    on_ready: OnReady,
    stop: asyncio.Event,
) -> None:
    """Serve applications, a port each (default: any free one), until `stop`; open requests are then cut.

    `base_paths`: of the URL of each that is announced. Raises BindError.
    """
    from mock_providers import build_server, listen, shut_down

    async with AsyncExitStack() as running:
        urls = {}
        for name, app in apps.items():
            sock = listen(host, ports.get(name, 0), name)
            server = build_server(app)
            await server.startup(sockets=[sock])
            running.push_async_callback(shut_down, server)
            urls[name] = f"http://{host}:{sock.getsockname()[1]}{base_paths[name]}"
        on_ready(urls)
        await stop.wait()
