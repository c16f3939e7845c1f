"""A raw client sees the same bytes, and the providers record the same facts, on sockets and in memory."""

from typing import Any

from tests.parity.cases import (
    Case,
    both_modes,
    cut_chunks,
    every_case,
    every_protocol,
    faults_at,
    limits,
)
from tests.parity.raw_client import Exchange, content_chunks, exchange
from tests.parity.worlds import Row, fast_profile, in_both, providers, settled_rows


async def observe(case: Case, provider: str, stream: bool) -> tuple[list[Exchange], list[Row]]:
    """The reply to each request, and the ledger's rows."""
    async with providers(fast_profile(**limits(case)), faults_at(case, provider)) as (app, endpoints):
        seen = [
            await exchange(provider, endpoints[provider], stream=stream, attempt_id=f"raw/{n}")
            for n in range(case.calls)
        ]
        return seen, await settled_rows(app)


@every_protocol
@every_case
@both_modes
def test_replies_and_ledger_are_equal_under_both_engines(case: Case, provider: str, stream: bool) -> None:
    on_sockets, in_memory = in_both(lambda: observe(case, provider, stream))
    assert in_memory == on_sockets
    seen, rows = in_memory
    assert (seen[-1].status, seen[-1].ended, chunks_in(seen[-1])) == expected_reply(
        case, provider, stream, rows
    )
    assert facts(rows[-1]) == expected_row(case, provider, stream)
    assert rows[-1]["cost_nusd"] == bill(rows[-1], provider)


def chunks_in(seen: Exchange) -> int:
    return content_chunks("\n\n".join([*seen.parts, ""]).encode())


def expected_reply(case: Case, provider: str, stream: bool, rows: list[Row]) -> tuple[int, str, int]:
    """(status, how the connection ended, content chunks of a stream)."""
    cut = cut_chunks(case, stream=stream)
    if case.name == "hang":
        return 0, "eof", 0
    if cut is not None:
        return (200 if stream else 0), "reset", cut
    if case.kind is None:
        return 200, "whole", rows[-1]["chunks_planned"] if stream else 0
    return case.status_from(provider), "whole", 0


def facts(row: Row) -> dict[str, Any]:
    """The columns with the outcome of a request."""
    billed = row["input_tokens"] > 0
    part = row["output_tokens"] / (row["planned_output_tokens"] or 1)
    sent = "all" if part == 1 else "some" if part else "none"
    columns = ("provider", "stream", "status", "fault", "ended", "attempt_id")
    return {column: row[column] for column in columns} | {"billed": billed, "sent": sent}


def expected_row(case: Case, provider: str, stream: bool) -> dict[str, Any]:
    """The expected values of `facts`."""
    cut = cut_chunks(case, stream=stream)
    answered = case.kind is None
    status, ended, sent = case.status_from(provider), "error", "none"
    if case.name == "hang":
        status, ended = 0, "hung"
    elif cut is not None:
        status, ended, sent = (200 if stream else 0), "reset", ("some" if cut else "none")
    elif answered:
        status, ended, sent = 200, "complete", "all"
    return {
        "provider": provider,
        "stream": stream,
        "status": status,
        "fault": None if case.fault is None else case.fault["kind"],
        "ended": ended,
        "attempt_id": f"raw/{case.calls - 1}",
        "billed": answered or cut is not None,
        "sent": sent,
    }


NUSD = {
    "openai": (2_500, 10_000),
    "anthropic": (3_000, 15_000),
    "together": (900, 900),
    "gemini": (300, 2_500),
}


def bill(row: Row, provider: str) -> int:
    """Computed by hand: input and sent output tokens at the provider's price."""
    input_nusd, output_nusd = NUSD[provider]
    return int(row["input_tokens"] * input_nusd + row["output_tokens"] * output_nusd)
