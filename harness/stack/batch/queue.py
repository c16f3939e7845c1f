"""The layer that collects calls into batches: calls whose deadline is at least `window_s` away.

Such a call waits until enough others have come or the first has waited for `linger_s`; together they become a
batch at half the price. A caller that leaves before the batch is sent withdraws its item; one that leaves
later is billed all the same. After a restart, a call with the same id and request joins the batch that it was
in.

A batch is never worth a call: an item that failed or expired is sent live, and so are all items of a batch
that the provider refused (for nothing), lost or failed as a whole, and those whose deadline is near. Only an
item whose request is at fault fails.
"""

import asyncio
import shutil
import tempfile
import weakref
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from ..core.background import Background
from ..core.call import Call, Next
from ..core.eligibility import unsuitable
from ..core.errors import ProviderError
from ..core.reply import Answer, Delta, Event, Reply, ToolDelta, replay
from ..core.support import not_understood
from ..core.target import Target
from ..core.tokens import call_tokens, most_output_tokens
from ..wire.codec import Codec
from .client import BatchClient, BatchLane
from .earlier import EarlierBatches
from .failures import BatchRefused
from .journal import BatchState, BilledResult, Journal
from .options import BatchOptions
from .pending import PendingCall, settle_all


@dataclass(slots=True)
class PendingBatch:
    """The calls that wait for one target's next batch."""

    calls: list[PendingCall] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    timer: asyncio.TimerHandle | None = None


class BatchQueue:
    """`targets` have a batch API; `lanes` and `codecs` are theirs, by target name."""

    def __init__(
        self,
        options: BatchOptions,
        targets: Sequence[Target],
        lanes: Mapping[str, BatchLane],
        codecs: Mapping[str, Codec],
        background: Background,
        seed: int = 0,
    ) -> None:
        self._options = options
        self._targets = [each for each in targets if options.target in ("", each.name)]
        self._lanes = lanes
        self._codecs = codecs
        self._background = background
        self._pending = {target.name: PendingBatch() for target in self._targets}
        self._journal = Journal(_folder(self, options))
        self._client = BatchClient(lanes, self._journal, options, seed)
        self._earlier = EarlierBatches(self._journal)
        self._made = self._earlier.count
        self._joined: dict[str, list[PendingCall]] = {}

    async def __call__(self, call: Call, next: Next) -> Reply:
        target = self._target_for(call, asyncio.get_running_loop().time())
        if target is None:
            return await next(call)
        pending = await self._enter(call.at(target).with_request(stream=False))
        live = self._options.on_failure == "live"
        try:
            billed = await self._result(pending)
        except (ProviderError, OSError):
            if not live:
                raise
            return await next(call.with_attempt(kind="retry"))
        answer, error = billed.result.answer, billed.result.error
        if answer is not None:
            first, *rest = _events(answer)
            return Reply(first, replay(tuple(rest)))
        assert error is not None
        if live and error.row.next_target:
            return await next(call.with_attempt(kind="retry"))
        raise error

    async def _result(self, pending: PendingCall) -> BilledResult:
        """The result of the call's item. Raises what happened to its batch as a whole, or that there is no
        time to wait for it any longer.
        """
        try:
            async with asyncio.timeout_at(pending.call.caller.deadline_s - self._options.goes_live_s):
                return await asyncio.shield(pending.done)
        except TimeoutError:
            self._leave(pending)
            raise ProviderError(
                "timeout_total", "the call's deadline passed before its batch ended"
            ) from None
        except asyncio.CancelledError:
            self._leave(pending)
            raise

    def _target_for(self, call: Call, now: float) -> Target | None:
        """The target of the call's batch; None if the call cannot wait or no target can serve it."""
        if not isfinite(call.caller.deadline_s) or call.caller.deadline_s - now < self._options.window_s:
            return None
        return next((each for each in self._targets if unsuitable(call, each) is None), None)

    async def _enter(self, call: Call) -> PendingCall:
        loop = asyncio.get_running_loop()
        target = call.target
        attempt = call.facts.begin(call.attempt.kind, target.provider, target.model, loop.time())
        attempt.dropped = not_understood(call.request, target)
        body = self._codecs[target.name].request(call, "").body
        item = self._earlier.item(attempt.attempt_id, body, self._pending[target.name].ids)
        price = self._lanes[target.name].price
        pending = PendingCall(call, attempt, item, price, loop.create_future())
        pending.done.add_done_callback(lambda done: done.cancelled() or done.exception())
        call.facts.goes_on_with(pending.done)
        try:
            if call.reservation is not None:
                most = price.most(call_tokens(call), most_output_tokens(call, target), batch=True)
                await call.reservation.reserve(attempt, most)
        except BaseException as error:
            pending.settle("rejected", error=error)
            pending.done.cancel()
            raise
        self._add(pending)
        return pending

    def _add(self, pending: PendingCall) -> None:
        earlier = self._earlier.join(pending.item)
        if earlier is not None:
            self._join(pending, earlier)
            return
        name = pending.call.target.name
        batch = self._pending[name]
        batch.calls.append(pending)
        batch.ids.add(pending.item.custom_id)
        if len(batch.calls) >= self._options.max_requests:
            self._send(name)
        elif batch.timer is None:
            loop = asyncio.get_running_loop()
            batch.timer = loop.call_later(self._options.linger_s, self._send, name)

    def _send(self, name: str) -> None:
        """Send the target's pending calls as a batch."""
        batch, self._pending[name] = self._pending[name], PendingBatch()
        if batch.timer is not None:
            batch.timer.cancel()
        if batch.calls:
            self._made += 1
            self._background.start(self._run_batch(f"batch-{self._made:06d}", name, batch.calls))

    def _join(self, pending: PendingCall, state: BatchState) -> None:
        """Wait for a batch of an earlier process, together with its other calls."""
        joined = self._joined.get(state.key)
        if joined is None:
            joined = self._joined[state.key] = []
            self._background.start(self._settled(joined, self._fetched(state, joined)))
        pending.attempt.sent = True
        joined.append(pending)

    async def _run_batch(self, key: str, target: str, pending: list[PendingCall]) -> None:
        for each in pending:
            each.attempt.sent = True
        await self._settled(pending, self._results(key, target, pending))

    async def _results(self, key: str, target: str, pending: list[PendingCall]) -> list[BilledResult]:
        def patient() -> bool:
            return self._can_wait(pending)

        try:
            state = await self._client.submit(key, target, [each.item for each in pending], patient)
        except OSError as error:
            raise BatchRefused("batch_failed", f"the batch cannot be written down: {error}") from error
        except BatchRefused as error:
            self._client.give_up(key, error)
            raise
        return await self._client.results(state, patient)

    async def _fetched(self, state: BatchState, joined: list[PendingCall]) -> list[BilledResult]:
        try:
            return await self._client.results(state, lambda: self._can_wait(joined))
        finally:
            del self._joined[state.key]

    def _can_wait(self, pending: Sequence[PendingCall]) -> bool:
        """Whether those who wait for a batch have time for a later one."""
        until_s = asyncio.get_running_loop().time() + self._options.window_s / 2
        waiting = [each.call.caller.deadline_s for each in pending if not each.left]
        return min(waiting, default=0.0) >= until_s

    async def _settled(
        self, pending: list[PendingCall], work: Coroutine[Any, Any, list[BilledResult]]
    ) -> None:
        """Wait for the batch's results; each of its calls is settled once, whatever happens."""
        results: list[BilledResult] = []
        failure: BaseException | None = None
        try:
            results = await work
        except (ProviderError, OSError) as error:
            failure = error
        except BaseException as error:
            failure = error
            raise
        finally:
            settle_all(pending, results, failure)

    def _leave(self, pending: PendingCall) -> None:
        """The caller left: withdraw its item if the batch was not sent yet."""
        pending.left = True
        batch = self._pending[pending.call.target.name]
        if pending in batch.calls:
            batch.calls.remove(pending)
            pending.settle("abandoned")
            pending.done.cancel()


def _folder(queue: BatchQueue, options: BatchOptions) -> Path:
    if options.folder:
        return Path(options.folder)
    path = Path(tempfile.mkdtemp(prefix="brownout-batches-"))
    weakref.finalize(queue, shutil.rmtree, path, ignore_errors=True)
    return path


def _events(answer: Answer) -> list[Event]:
    calls = [ToolDelta(n, each.id, each.name, each.arguments) for n, each in enumerate(answer.tool_calls)]
    text: list[Event] = [Delta(answer.text)] if answer.text else []
    return [*text, *calls, answer.finish]
