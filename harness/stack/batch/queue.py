"""The layer that makes batches of calls that can wait: those whose deadline is a day away.

Such a call stands in line until enough others have come or the first has waited long enough; then they are
one batch, at half the price. Whoever asks waits for the answer; who leaves before the batch is sent takes the
request out, who leaves later is billed for it all the same. A request that failed or expired there is asked
live, like any other call. After a restart, a call of the same id that asks the same joins the batch that it
was in.
"""

import asyncio
import shutil
import tempfile
import weakref
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from ..core.background import Background
from ..core.call import Call, Next
from ..core.eligibility import unsuitable
from ..core.errors import ProviderError
from ..core.reply import Answer, Delta, Event, Reply, ToolDelta, replay
from ..core.target import Target
from ..core.tokens import call_tokens, most_output_tokens
from ..money.price import half
from ..wire.codec import Codec
from .client import BatchClient, BatchClientOptions, Lane
from .http import Request
from .ids import custom_id
from .journal import Billed, Journal, State
from .waiting import Waiting, settle_all


class BatchOptions(BatchClientOptions):
    """`target` "": the target whose batch API is used, the chain's first that has one; `window_s` 82,800
    (23 hours): calls that have at least so long until their deadline go into batches, of at most
    `max_requests` 1,000, sent when the first has waited `linger_s` 300. `on_failure` "live": a request that
    failed there is asked live, or "fail". `folder` "": where the journal is kept over restarts; without, it
    ends with the process.
    """

    target: str = ""
    window_s: float = Field(default=82_800.0, gt=0)
    max_requests: int = Field(default=1_000, ge=1, le=50_000)
    linger_s: float = Field(default=300.0, ge=0)
    on_failure: Literal["live", "fail"] = "live"
    folder: str = ""


@dataclass(slots=True)
class Line:
    """Those who wait for one target's next batch."""

    waiting: list[Waiting] = field(default_factory=list)
    timer: asyncio.TimerHandle | None = None


class BatchQueue:
    """`targets` are those that have a batch API, `lanes` and `codecs` theirs by name."""

    def __init__(
        self,
        options: BatchOptions,
        targets: Sequence[Target],
        lanes: Mapping[str, Lane],
        codecs: Mapping[str, Codec],
        background: Background,
        seed: int = 0,
    ) -> None:
        self._options = options
        self._targets = [each for each in targets if options.target in ("", each.name)]
        self._lanes = lanes
        self._codecs = codecs
        self._background = background
        self._lines = {target.name: Line() for target in self._targets}
        self._journal = Journal(_folder(self, options))
        self._client = BatchClient(lanes, self._journal, options, seed)
        self._made = len(self._journal.states())
        self._earlier = {
            request: state
            for state in self._journal.states()
            for request in self._journal.requests(state.key)
        }
        self._joined: dict[str, list[Waiting]] = {}

    async def __call__(self, call: Call, next: Next) -> Reply:
        target = self._target_for(call, asyncio.get_running_loop().time())
        if target is None:
            return await next(call)
        waiting = await self._enter(call.at(target).with_request(stream=False))
        try:
            async with asyncio.timeout_at(call.caller.deadline_s):
                billed = await asyncio.shield(waiting.done)
        except TimeoutError:
            self._leave(waiting)
            raise ProviderError("timeout_total", "the call's time is over, its batch is not") from None
        except asyncio.CancelledError:
            self._leave(waiting)
            raise
        if billed.result.answer is not None:
            first, *rest = _events(billed.result.answer)
            return Reply(first, replay(tuple(rest)))
        assert billed.result.error is not None
        if self._options.on_failure == "fail" or billed.result.error.kind == "bad_request":
            raise billed.result.error
        return await next(call.with_attempt(kind="retry"))

    def _target_for(self, call: Call, now: float) -> Target | None:
        """Where the call's batch goes; None for one that cannot wait, or that suits no target here."""
        if not isfinite(call.caller.deadline_s) or call.caller.deadline_s - now < self._options.window_s:
            return None
        return next((each for each in self._targets if unsuitable(call, each) is None), None)

    async def _enter(self, call: Call) -> Waiting:
        loop = asyncio.get_running_loop()
        target = call.target
        attempt = call.facts.begin(call.attempt.kind, target.provider, target.model, loop.time())
        body = self._codecs[target.name].request(call, "").body
        request = Request(custom_id(attempt.attempt_id), body)
        price = self._lanes[target.name].price
        waiting = Waiting(call, attempt, request, price, loop.create_future())
        waiting.done.add_done_callback(lambda done: done.cancelled() or done.exception())
        call.facts.goes_on_with(waiting.done)
        try:
            if call.reservation is not None:
                most = price.most(call_tokens(call), most_output_tokens(call, target))
                await call.reservation.reserve(attempt, half(most))
        except BaseException as error:
            waiting.settle("rejected", error)
            waiting.done.cancel()
            raise
        self._stand_in_line(waiting)
        return waiting

    def _stand_in_line(self, waiting: Waiting) -> None:
        earlier = self._earlier.pop(waiting.request, None)
        if earlier is not None:
            self._join(waiting, earlier)
            return
        name = waiting.call.target.name
        line = self._lines[name]
        line.waiting.append(waiting)
        if len(line.waiting) >= self._options.max_requests:
            self._depart(name)
        elif line.timer is None:
            loop = asyncio.get_running_loop()
            line.timer = loop.call_later(self._options.linger_s, self._depart, name)

    def _depart(self, name: str) -> None:
        """The line becomes a batch."""
        line, self._lines[name] = self._lines[name], Line()
        if line.timer is not None:
            line.timer.cancel()
        if line.waiting:
            self._made += 1
            self._background.start(self._carry(f"batch-{self._made:06d}", name, line.waiting))

    def _join(self, waiting: Waiting, state: State) -> None:
        """Wait for a batch of an earlier process, with the others who were in it."""
        joined = self._joined.get(state.key)
        if joined is None:
            joined = self._joined[state.key] = []
            self._background.start(self._settled(joined, self._fetched(state)))
        waiting.attempt.sent = True
        joined.append(waiting)

    async def _carry(self, key: str, target: str, waiting: list[Waiting]) -> None:
        for each in waiting:
            each.attempt.sent = True
        await self._settled(waiting, self._sent(key, target, [each.request for each in waiting]))

    async def _sent(self, key: str, target: str, requests: list[Request]) -> list[Billed]:
        return await self._client.results(await self._client.submit(key, target, requests))

    async def _fetched(self, state: State) -> list[Billed]:
        results = await self._client.results(state)
        del self._joined[state.key]
        return results

    async def _settled(self, waiting: list[Waiting], work: Coroutine[Any, Any, list[Billed]]) -> None:
        """Whatever happens to a batch, each of its calls is settled once."""
        results: list[Billed] = []
        failure: BaseException | None = None
        try:
            results = await work
        except ProviderError as error:
            failure = error
        except BaseException as error:
            failure = error
            raise
        finally:
            settle_all(waiting, results, failure)

    def _leave(self, waiting: Waiting) -> None:
        """The caller is gone: out of the line, if the batch was not sent yet."""
        line = self._lines[waiting.call.target.name]
        if waiting in line.waiting:
            line.waiting.remove(waiting)
            waiting.settle("abandoned")
            waiting.done.cancel()


def _folder(queue: BatchQueue, options: BatchOptions) -> Path:
    if options.folder:
        return Path(options.folder)
    path = Path(tempfile.mkdtemp(prefix="brownout-batches-"))
    weakref.finalize(queue, shutil.rmtree, path, ignore_errors=True)
    return path


def _events(answer: Answer) -> list[Event]:
    calls = [ToolDelta(n, each.id, each.name, each.arguments) for n, each in enumerate(answer.tool_calls)]
    said: list[Event] = [Delta(answer.text)] if answer.text else []
    return [*said, *calls, answer.finish]
