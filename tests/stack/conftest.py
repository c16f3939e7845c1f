"""Pieces to test layers with: scripted inner stacks, calls, and a stack over respx."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator

import httpx
import pytest
import respx

from harness.stack.assembly.layers import build
from harness.stack.assembly.options import StackOptions
from harness.stack.assembly.stack import Stack
from harness.stack.core.call import Call
from harness.stack.core.errors import StackError
from harness.stack.core.facts import CallFacts
from harness.stack.core.reply import Delta, Event, Finish, Reply, Usage
from harness.stack.core.request import Message
from harness.stack.core.target import Target
from harness.stack.upstream.endpoint import Endpoint
from tests.stack.calls import make_call

OPENAI = Target("openai", "openai", "gpt-4o")
USAGE = Usage(input_tokens=20, output_tokens=2)
ENDPOINTS = {
    "openai": Endpoint("http://openai.test/v1", "sk-o"),
    "anthropic": Endpoint("http://anthropic.test", "sk-a"),
    "together": Endpoint("http://together.test/v1", "sk-t"),
}


def a_call(id: str = "c1", text: str = "hello", target: Target | None = OPENAI) -> Call:
    return make_call(id, (Message("user", text),), facts=CallFacts(call_id=id), target=target)


async def events_of(
    *texts: str, error: Exception | None = None, pause_s: float = 0.0, usage: Usage | None = USAGE
) -> AsyncGenerator[Event]:
    """Deltas, then a Finish or an error."""
    for text in texts:
        await asyncio.sleep(pause_s)
        yield Delta(text)
    if error is not None:
        raise error
    yield Finish("stop", usage)


class Scripted:
    """An inner stack that answers each call with the next of its script: an error, or texts to stream."""

    def __init__(self, *script: StackError | tuple[str, ...]) -> None:
        self.script = list(script)
        self.calls: list[Call] = []

    async def __call__(self, call: Call) -> Reply:
        self.calls.append(call)
        step = self.script.pop(0)
        if isinstance(step, StackError):
            raise step
        first, *rest = step
        return Reply(Delta(first), events_of(*rest))


@pytest.fixture
def call() -> Callable[..., Call]:
    return a_call


@pytest.fixture
def scripted() -> type[Scripted]:
    return Scripted


@pytest.fixture
def source() -> Callable[..., AsyncGenerator[Event]]:
    return events_of


@pytest.fixture
def web() -> Iterator[respx.Router]:
    with respx.mock(assert_all_called=False) as router:
        yield router


@pytest.fixture
def make_stack() -> Callable[..., Stack]:
    """A stack from the dictionary of its TOML, over httpx's own transport (which respx answers for)."""

    def make(emitted: list[CallFacts] | None = None, **options: object) -> Stack:
        return build(
            StackOptions.model_validate(options),
            ENDPOINTS,
            sink=(lambda facts: None) if emitted is None else emitted.append,
            transport=httpx.AsyncHTTPTransport(),
        )

    return make
