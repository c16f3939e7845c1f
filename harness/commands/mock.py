"""`brownout mock`: the mock providers alone, for any client."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from mock_providers import Profile


def mock(
    profile: Annotated[
        str, typer.Option(help="How providers behave: a name (see `brownout list`) or a file.")
    ] = "today",
    any_model: Annotated[
        bool,
        typer.Option(
            "--any-model", help="Answer unknown model names, as the nearest model of the profile would."
        ),
    ] = False,
    retirements: Annotated[
        Literal["ignore", "warn", "enforce"] | None,
        typer.Option(
            help="Models that retire: announce it in headers (warn), also refuse them after it (enforce). "
            "Default: the profile's, which is warn."
        ),
    ] = None,
    date: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="The day on which the providers' clock starts. Default: now."
        ),
    ] = None,
    incident: Annotated[
        str | None,
        typer.Option(
            help="Play this incident from the first request: a name (`brownout list incidents`) or a file."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides every draw.")] = 7,
    answers: Annotated[
        Path | None, typer.Option(help="Questions with right answers, JSONL. Default: the shipped catalogue.")
    ] = None,
    script: Annotated[
        Path | None,
        typer.Option(
            help="Replies to requests that match, TOML, JSON or JSONL: see the README, or `brownout record`."
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    openai_port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")] = 0,
    anthropic_port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")] = 0,
    together_port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")] = 0,
    gemini_port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")] = 0,
    admin_port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")] = 0,
    port: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=PORT", help="The port of any provider; may be repeated."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the URLs as one JSON line when ready.")
    ] = False,
    until_stdin_closes: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Serve the mock providers of a profile, a port each, until stopped.

    Any client works: set its base URL to the one printed; any key is accepted. The admin port (and `/_mock/`
    on every port) has a live page, accepts faults, starts their schedule, and returns the ledger.

    Examples:

        brownout mock --openai-port 8001

        OPENAI_BASE_URL=http://127.0.0.1:8001/v1 OPENAI_API_KEY=any python my_app.py

        brownout mock --profile self-hosted --any-model --port vllm=8000

        brownout mock --retirements enforce --date 2027-02-01

        brownout mock --script replies.toml

        brownout mock --incident openai-2024-12-11

        curl -X POST http://127.0.0.1:8001/_mock/faults -d '[{"kind": "outage", "provider": "openai"}]'
    """
    from mock_providers import MockApp, load_catalogue, load_incident, load_profile, load_script, serve

    from .serving import announce, named_ports, stop_event

    behaviour = _with_options(load_profile(profile), any_model=any_model, retirements=retirements)
    faults = load_incident(incident).faults if incident else ()
    catalogue = load_catalogue(answers or _shipped_catalogue())
    replies = load_script(script) if script else ()
    ports_by_option = {
        "openai": openai_port,
        "anthropic": anthropic_port,
        "together": together_port,
        "gemini": gemini_port,
    }
    provider_ports = {name: number for name, number in ports_by_option.items() if name in behaviour.providers}
    ports = provider_ports | {"admin": admin_port} | named_ports(port or [], [*behaviour.providers, "admin"])

    def providers(epoch_s: float) -> MockApp:
        return MockApp(
            behaviour, seed=seed, answers=catalogue, faults=faults, script=replies, epoch_s=epoch_s
        )

    async def until_stopped() -> None:
        started_s = time.time() if date is None else date.replace(tzinfo=UTC).timestamp()  # noqa: TID251  # for `created` and resets
        epoch_s = started_s - asyncio.get_running_loop().time()
        app = providers(epoch_s)
        stop = stop_event(until_stdin_closes=until_stdin_closes)
        await serve(app, host=host, ports=ports, on_ready=announce(as_json, "Mock providers"), stop=stop)

    asyncio.run(until_stopped())


def _with_options(profile: "Profile", *, any_model: bool, retirements: str | None) -> "Profile":
    """The profile with the settings of the command line in the place of its own."""
    settings: dict[str, object] = {"any_model": True} if any_model else {}
    if retirements is not None:
        settings["retirements"] = retirements
    return profile.model_copy(update=settings)


def _shipped_catalogue() -> Path:
    from harness.spec.shipped import shipped_folder

    return shipped_folder("scenarios") / "workloads" / "catalogue.jsonl"
