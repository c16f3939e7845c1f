"""A user's own client: what it yields and raises becomes a call's outcome, never the end of the run."""

import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from openai import APIConnectionError, OpenAIError, RateLimitError

from harness.load.reading import ObservedReply
from harness.subjects.client_failures import failure_kind
from harness.subjects.early_stop import CALLS, EarlyStop
from harness.subjects.python_client import PythonClient


async def asked(client: Any, *, in_fault: bool = True, sent: bool = True) -> ObservedReply:
    observed = ObservedReply()
    planned: Any = SimpleNamespace(messages=(("user", "Hi"),), max_tokens=5)
    requests = iter((0, int(sent)))
    python = PythonClient(client, {}, requests=lambda: next(requests), in_fault=lambda *_: in_fault)
    await python.ask()(planned, observed)
    return observed


async def gives_parts(messages: Any, max_tokens: int, providers: Any) -> AsyncIterator[Any]:
    """Mistral's content is a list of parts: a loop over `delta.content` passes it on."""
    yield "The "
    yield [{"type": "text", "text": "answer"}]


async def trips(messages: Any, max_tokens: int, providers: Any) -> AsyncIterator[str]:
    """openai-python#1677: `delta` is None."""
    yield "The "
    delta: Any = None
    yield delta.content


@pytest.mark.parametrize("client", [gives_parts, trips])
async def test_a_reply_misread_during_a_fault_is_malformed(client: Any) -> None:
    observed = await asked(client)
    assert (observed.outcome, observed.error_kind, observed.text) == ("failed", "malformed", "The ")


@pytest.mark.parametrize(("client", "error"), [(gives_parts, TypeError), (trips, AttributeError)])
async def test_without_a_fault_the_same_is_the_clients_own_error(client: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        await asked(client, in_fault=False)


def sync(messages: Any, max_tokens: int, providers: Any) -> str:
    return "text"


async def nothing(messages: Any, max_tokens: int, providers: Any) -> None:
    return None


@pytest.mark.parametrize(("client", "words"), [(sync, "async def"), (nothing, "expected text, got NoneType")])
async def test_rubbish_is_the_clients_own_error_that_names_what_was_expected(client: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        await asked(client, in_fault=False)


async def test_an_empty_answer_is_empty() -> None:
    async def blank(messages: Any, max_tokens: int, providers: Any) -> str:
        return ""

    assert (await asked(blank)).outcome == "empty"


REQUEST: Any = httpx.Request("POST", "http://provider")
REFUSED: Any = httpx.Response(429, request=REQUEST)
BUSY = RateLimitError("slow down", response=REFUSED, body=None)
STATUS = httpx.HTTPStatusError("busy", request=REQUEST, response=httpx.Response(503, request=REQUEST))
UNREADABLE = json.JSONDecodeError("Expecting value", "", 0)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BUSY, "rate_limited"),
        (STATUS, "overloaded"),
        (TimeoutError(), "timeout_total"),
        (httpx.ReadTimeout("slow"), "timeout_total"),
        (APIConnectionError(request=REQUEST), "connection"),
        (httpx.RemoteProtocolError("gone"), "connection"),
        (ConnectionResetError(), "connection"),
        (UNREADABLE, "malformed"),
        (NameError("x"), None),
        (KeyError("x"), None),
        (TypeError("x"), None),
        (RuntimeError("boom"), None),
        (FileNotFoundError("prompt.txt"), None),
        (AssertionError(), None),
        (SystemExit(1), None),
    ],
)
def test_an_exception_after_a_request_means_what_its_class_says(
    error: BaseException, kind: str | None
) -> None:
    assert failure_kind(error, sent=True, in_fault=False) == kind


@pytest.mark.parametrize(
    "error",
    [OpenAIError("no api_key"), APIConnectionError(request=REQUEST), ConnectionRefusedError(), UNREADABLE],
)
def test_before_anything_was_sent_and_without_a_fault_it_is_the_clients_own(error: Exception) -> None:
    assert failure_kind(error, sent=False, in_fault=False) is None


def test_an_exception_of_the_clients_own_class_means_what_it_was_raised_from() -> None:
    class GaveUp(Exception):
        pass

    def raised(new: Exception, *, explicit: bool) -> Exception:
        try:
            try:
                raise BUSY
            except RateLimitError as error:
                if explicit:
                    raise new from error
                raise new  # noqa: B904  # as users write it
        except Exception as error:  # noqa: BLE001  # handed on
            return error

    assert failure_kind(raised(GaveUp(), explicit=False), sent=True, in_fault=False) == "rate_limited"
    assert failure_kind(raised(RuntimeError(), explicit=True), sent=True, in_fault=False) == "rate_limited"
    assert failure_kind(raised(NameError(), explicit=False), sent=True, in_fault=False) is None


def test_a_run_is_given_up_when_every_call_fails_alike_before_anything_is_sent() -> None:
    stop = EarlyStop()
    for n in range(CALLS):
        assert stop.reason() is None, n
        stop.note("NameError: x", sent=False)
    assert "NameError: x" in str(stop.reason())


@pytest.mark.parametrize(
    ("exception", "sent"), [(None, True), ("KeyError: 'y'", False), ("NameError: x", True)]
)
def test_one_call_that_differs_keeps_the_run_going(exception: str | None, sent: bool) -> None:
    stop = EarlyStop()
    for n in range(5 * CALLS):
        stop.note(exception if n == 3 else "NameError: x", sent=sent if n == 3 else False)
    assert stop.reason() is None
