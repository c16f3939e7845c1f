"""Submits, polls, collects and cancels batches, and resumes them after a restart.

A batch is on disk before it is sent, so a process that dies at any point resumes where it was. A batch that
may have been sent is looked up at the provider before it is sent again, so that it is not paid twice. A poll
that fails is ignored; polling goes on, unless nothing can be read for `unreadable_s`. A batch that is refused
because too much is enqueued is sent again while its calls are patient.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from ..core.draws import uniform
from ..core.errors import ProviderError
from ..money.price import Price
from .failures import BatchRefused, missing_result, read, refuses, results_by_id
from .http import BatchApi, BatchItem, ItemResult, Progress
from .journal import BatchState, BilledResult, Journal
from .options import BatchClientOptions

NAME = re.compile(r"[A-Za-z0-9_-]+")
MAX_S = 172_800.0
"""A batch that has not ended after two days is lost: providers promise one."""

T = TypeVar("T")
Patience = Callable[[], bool]
"""Whether the calls of a batch can wait until a limit passes."""


def impatient() -> bool:
    """They cannot."""
    return False


@dataclass(frozen=True, slots=True)
class BatchLane:
    """One target's batch API, and the live price of its model."""

    api: BatchApi
    price: Price


class BatchClient:
    """The batches of one journal; `lanes` are the batch APIs by target name."""

    def __init__(
        self,
        lanes: Mapping[str, BatchLane],
        journal: Journal,
        options: BatchClientOptions | None = None,
        seed: int = 0,
    ) -> None:
        self._lanes = lanes
        self._journal = journal
        self._options = options or BatchClientOptions()
        self._seed = seed

    async def submit(
        self, key: str, target: str, items: Sequence[BatchItem], patient: Patience = impatient
    ) -> BatchState:
        """Send a batch under a new `key`. Raises `BatchRefused` if the provider did not take it,
        `ProviderError` if that is not known, `OSError` if it cannot be written down, and so was not sent,
        `ValueError` for an invalid key.
        """
        if not NAME.fullmatch(key):
            raise ValueError(f"expected a key of letters, digits, - and _, got {key!r}")
        state = BatchState(key, target, len(items))
        if any(known.key == key for known in self._journal.states()):
            raise ValueError(f"expected a new key, got {key!r}, which is in the journal")
        self._journal.open(state, items)
        return await self._submitted(state, patient)

    def unfinished(self) -> list[BatchState]:
        """The batches whose results have not been collected."""
        return [state for state in self._journal.states() if state.stage != "collected"]

    async def results(self, state: BatchState, patient: Patience = impatient) -> list[BilledResult]:
        """Wait until the batch has ended; returns a result for each of its items, in their order.

        May be called for any batch of the journal, at any time, repeatedly. Raises as `submit` if the batch
        could not be sent, `ProviderError` if its status or its results cannot be read.
        """
        if state.stage == "collected":
            return self._journal.results(state.key)
        while True:
            state = await self._submitted(state, patient)
            progress = await self._ended(state)
            if not (progress.passes and patient()):
                break
            failed = (*state.failed, state.batch_id)
            state = self._noted(state, stage="new", batch_id="", failed=failed)
            await self._pause(state.key, "limit", len(failed) - 1)
        billed = self._billed(state, progress, await self._collected(state, progress))
        with suppress(OSError):
            self._journal.close(state, billed)
        return billed

    def give_up(self, key: str, error: BatchRefused) -> None:
        """The provider refused the batch: it is not sent again, and each of its items has failed so."""
        why = ProviderError("batch_failed", str(error), status=error.status)
        with suppress(OSError):
            for state in self._journal.states():
                if state.key == key:
                    failed = [ItemResult(item.custom_id, None, why) for item in self._journal.items(key)]
                    self._journal.close(state, map(BilledResult, failed))

    async def cancel(self, state: BatchState) -> None:
        """Cancel the batch; finished items are billed and keep their results. No error if it has ended."""
        if not state.batch_id:
            return
        try:
            await self._lanes[state.target].api.cancel(state.batch_id)
        except ProviderError as error:
            if error.status not in (400, 409):
                raise

    async def _submitted(self, state: BatchState, patient: Patience) -> BatchState:
        doubt, n = state.stage == "submitting", 0
        while state.stage in ("new", "submitting"):
            try:
                state = await self._found(state)
                doubt = doubt and state.stage == "submitting"
                if state.stage != "submitted":
                    state = await self._sent(state)
            except ProviderError as error:
                state = self._noted(state, stage="new" if refuses(error) and not doubt else "submitting")
                doubt = doubt or (state.stage == "submitting" and error.status is None)
                n += 1
                if not self._again(error, n, patient):
                    state = await self._last_look(state, error, doubt)
                else:
                    await self._pause(state.key, "submit", n - 1)
        return state

    def _again(self, error: ProviderError, n: int, patient: Patience) -> bool:
        if error.kind == "rate_limited" and patient():
            return True
        return error.retryable and n < self._options.submit_attempts

    async def _found(self, state: BatchState) -> BatchState:
        """A batch that may have been sent: as submitted if the provider has it, else as new."""
        if state.stage == "new":
            return state
        api = self._lanes[state.target].api
        others = [known.batch_id for known in self._journal.states() if known.batch_id]
        found = api.find(state.key, state.total, [*others, *state.failed])
        batch_id = await read("the list of batches", found)
        return replace(state, stage="new") if batch_id is None else self._is_sent(state, batch_id)

    async def _sent(self, state: BatchState) -> BatchState:
        items = self._journal.items(state.key)
        state = self._journal.note(state, stage="submitting")
        sent = self._lanes[state.target].api.submit(state.key, items)
        return self._is_sent(state, await read("a batch", sent))

    def _is_sent(self, state: BatchState, batch_id: str) -> BatchState:
        return self._noted(state, stage="submitted", batch_id=batch_id)

    async def _last_look(self, state: BatchState, error: ProviderError, doubt: bool) -> BatchState:
        """The batch after the last try failed with `error`, if the provider has it after all; else raises."""
        try:
            state = await self._found(state)
        except ProviderError as blind:
            if doubt:
                raise error from blind
        if state.stage == "submitted":
            return state
        raise BatchRefused.of(error) from error

    def _noted(self, state: BatchState, **changes: Any) -> BatchState:
        """The state with these changes, on disk if it can be written: the provider has acted already."""
        with suppress(OSError):
            return self._journal.note(state, **changes)
        return replace(state, **changes)

    async def _ended(self, state: BatchState) -> Progress:
        api, loop = self._lanes[state.target].api, asyncio.get_running_loop()
        lost_s, n = loop.time() + MAX_S, 0
        while loop.time() < lost_s:
            await self._pause(state.key, "poll", n)
            n += 1
            progress = await self._readable(state, "a batch", lambda: api.status(state.batch_id))
            if progress.ended:
                return progress
        raise ProviderError("batch_expired", f"the batch {state.batch_id} has not ended in two days")

    async def _collected(self, state: BatchState, progress: Progress) -> list[ItemResult]:
        api = self._lanes[state.target].api
        return await self._readable(state, "the results", lambda: api.collect(progress))

    async def _readable(self, state: BatchState, what: str, ask: Callable[[], Awaitable[T]]) -> T:
        """The result of `ask` once it succeeds; raises its error if it still fails after `unreadable_s`."""
        loop, n = asyncio.get_running_loop(), 0
        lost_s = loop.time() + self._options.unreadable_s
        while True:
            try:
                return await read(what, ask())
            except ProviderError:
                if loop.time() >= lost_s:
                    raise
            await self._pause(state.key, what, n)
            n += 1

    async def _pause(self, key: str, what: str, n: int) -> None:
        await asyncio.sleep(self._options.pause_s(n, uniform(self._seed, "batch", key, what, n)))

    def _billed(
        self, state: BatchState, progress: Progress, results: Sequence[ItemResult]
    ) -> list[BilledResult]:
        price, by_id = self._lanes[state.target].price, results_by_id(results)
        billed: list[BilledResult] = []
        for item in self._journal.items(state.key):
            result = by_id.get(item.custom_id) or missing_result(item.custom_id, progress)
            usage = None if result.answer is None else result.answer.finish.usage
            billed.append(BilledResult(result, 0 if usage is None else price.of(usage, batch=True)))
        return billed
