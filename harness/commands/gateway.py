"""`brownout gateway`: the stack alone, as an OpenAI-compatible server."""

import asyncio
import os
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer


def gateway(
    stack: Annotated[
        str, typer.Argument(help="A stack's name (see `brownout list`) or a .toml file.")
    ] = "full",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")] = 0,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    seed: Annotated[int, typer.Option(min=0, help="Decides the jitter of retries.")] = 0,
    keepalive_s: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Seconds without a byte until a stream sends early headers and a comment; 0: never."
            " Default: the stack's.",
        ),
    ] = None,
    facts: Annotated[
        Path | None, typer.Option(help="Append one JSON line per call: attempts, timing, cost.")
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="Keep budgets over restarts in this file. Default: in memory.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON line with the URL when ready.")
    ] = False,
    until_stdin_closes: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Serve a stack to any OpenAI client until stopped: chat completions and responses.

    Providers are reached at OPENAI_BASE_URL, ANTHROPIC_BASE_URL and TOGETHER_BASE_URL (their public addresses
    by default) with OPENAI_API_KEY, ANTHROPIC_API_KEY and TOGETHER_API_KEY; a key that the stack calls "b" is
    OPENAI_API_KEY_B. /health shows the state of breakers and keys. /v1/responses is answered by the same
    stack; responses that are not "store: false" are kept in memory, 64 MiB of them, for their client.

    Examples:

        brownout gateway full --port 8000

        OPENAI_BASE_URL=http://127.0.0.1:8000/v1 OPENAI_API_KEY=any python my_app.py
    """
    from harness.spec.shipped import find_file, shipped_files
    from harness.stack.assembly.layers import build
    from harness.stack.assembly.options import load_stack_options
    from harness.stack.gateway.app import Gateway
    from harness.stack.money.budget_file import budget_file
    from harness.stack.state.backend import MemoryBackend
    from harness.stack.upstream.endpoint import endpoints_from
    from harness.subjects.facts_file import FactsFile

    from .serving import announce, serve_app, stop_event

    options = load_stack_options(find_file("stacks", stack), shipped_files("stacks"))
    if keepalive_s is not None:
        changed = options.gateway.model_copy(update={"keepalive_s": keepalive_s})
        options = options.model_copy(update={"gateway": changed})
    endpoints = endpoints_from(os.environ)

    async def until_stopped() -> None:
        kept = nullcontext(MemoryBackend()) if state is None else budget_file(state)
        with FactsFile(facts) as file, kept as backend:
            epoch_s = time.time() - asyncio.get_running_loop().time()  # noqa: TID251
            built = build(options, endpoints, sink=file.write, seed=seed, backend=backend, epoch_s=epoch_s)
            app = Gateway(built, wall_offset_s=epoch_s)
            stop = stop_event(until_stdin_closes=until_stdin_closes)
            await serve_app(app, host, port, announce(as_json, f"{options.title or stack} stack"), stop)
            await built.aclose()

    asyncio.run(until_stopped())
