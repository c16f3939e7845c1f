"""A user's own client: what it yields and raises becomes a call's outcome, never the end of the run."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from harness.load.reading import ObservedReply
from harness.subjects.python_client import PythonClient, error_kind


async def asked(client: Any) -> ObservedReply:
    observed = ObservedReply()
    planned: Any = SimpleNamespace(messages=(("user", "Hi"),), max_tokens=5)
    await PythonClient(client, {}).ask()(planned, observed)
    return observed


async def test_a_client_that_yields_no_text_has_a_failed_call() -> None:
    """Mistral's content is a list of parts: a loop over `delta.content` passes it on."""

    async def complete(messages: Any, max_tokens: int, providers: Any) -> AsyncIterator[Any]:
        yield "The "
        yield [{"type": "text", "text": "answer"}]

    observed = await asked(complete)
    assert (observed.outcome, observed.error_kind, observed.text) == ("failed", "malformed", "The ")


async def test_a_client_that_trips_over_a_missing_field_has_a_failed_call() -> None:
    """openai-python#1677: `delta` is None."""

    async def complete(messages: Any, max_tokens: int, providers: Any) -> AsyncIterator[str]:
        yield "The "
        delta: Any = None
        yield delta.content

    assert (await asked(complete)).error_kind == "malformed"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (KeyError("x"), "malformed"),
        (IndexError(), "malformed"),
        (TimeoutError(), "timeout_total"),
        (OSError(), "connection"),
    ],
)
def test_an_exception_is_told_by_what_it_means(error: Exception, kind: str) -> None:
    assert error_kind(error) == kind
