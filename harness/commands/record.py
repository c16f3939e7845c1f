"""`brownout record`: real traffic as a script for `brownout mock --script`."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer


def record(
    to: Annotated[Path, typer.Option(metavar="FILE", help="The script to write (JSONL), a new file.")],
    upstream: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=URL",
            help="A provider and its base URL; may be repeated. All but anthropic speak OpenAI's protocol."
            " Default: OPENAI_BASE_URL, ANTHROPIC_BASE_URL, TOGETHER_BASE_URL or their public addresses.",
        ),
    ] = None,
    port: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=PORT", help="The port of a provider; may be repeated. Default: any."),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the URLs as one JSON line when ready.")
    ] = False,
    until_stdin_closes: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Pass requests on to real providers, and record their replies as a script.

    Set a client's base URL to the one printed, and use it as always: its key goes on to the provider and
    is never written; what looks like a key in a prompt or a reply is masked. Chat completions and messages
    are recorded with their latency, errors as faults; `brownout mock --script FILE` then answers the same
    conversations, with any fault on top.

    Examples:

        brownout record --to session.jsonl --port openai=8001

        OPENAI_BASE_URL=http://127.0.0.1:8001/v1 python my_app.py

        brownout mock --script session.jsonl --openai-port 8001
    """
    import httpx

    from harness.recording import Recorder, ScriptFile, upstreams_from

    from .serving import announce, named_ports, serve_apps, stop_event

    upstreams = upstreams_from(upstream or [], os.environ)
    ports = named_ports(port or [], [each.name for each in upstreams])
    base_paths = {each.name: each.base_path for each in upstreams}

    async def until_stopped() -> None:
        timeout = httpx.Timeout(None, connect=10.0)
        with ScriptFile(to) as file:
            async with httpx.AsyncClient(timeout=timeout, trust_env=False) as client:
                recorder = Recorder(upstreams, file, client)
                stop = stop_event(until_stdin_closes=until_stdin_closes)
                ready = announce(as_json, f"Recording to {to}")
                await serve_apps(recorder.apps, host, ports, base_paths, ready, stop)
            _tell(to, file.kept, file.repeated, recorder.skipped)

    asyncio.run(until_stopped())


def _tell(to: Path, kept: int, repeated: int, skipped: dict[str, int]) -> None:
    replies = "reply" if kept == 1 else "replies"
    typer.echo(f"{to}: {kept} {replies}, {repeated} more to requests that were there already", err=True)
    for reason, count in sorted(skipped.items()):
        typer.echo(f"  {count} not recorded: {reason}", err=True)
