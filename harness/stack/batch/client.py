"""Submits, polls, collects and cancels batches, and resumes them after a restart.

A batch is on disk before it is sent, so a process that dies at any point resumes where it was. A batch that
may have been sent is looked up at the provider before it is sent again, so that it is not paid twice. A poll
that fails with a retryable error is ignored; polling goes on.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import Field

from ..config.options import Options
from ..core.draws import uniform
from ..core.errors import ProviderError
from ..money.price import Price
from .http import CANCELLED, BatchApi, BatchItem, ItemResult, Progress
from .journal import BatchState, BilledResult, Journal

NAME = re.compile(r"[A-Za-z0-9_-]+")


class BatchClientOptions(Options):
    """`poll_s` 60 seconds to the first poll; each later interval is `growth` 1.5 times as long, at most
    `max_poll_s` 600; each is drawn uniformly from 0.5 to 1.5 times that. `submit_attempts` 5: how often a
    batch is sent, or looked up, before submitting fails.
    """

    poll_s: float = Field(default=60.0, gt=0)
    growth: float = Field(default=1.5, ge=1)
    max_poll_s: float = Field(default=600.0, gt=0)
    submit_attempts: int = Field(default=5, ge=1)


def poll_after_s(options: BatchClientOptions, n: int, u: float) -> float:
    """Seconds to wait before poll `n`, counted from 0; `u` is drawn from [0, 1)."""
    full_s = min(options.max_poll_s, options.poll_s * options.growth ** min(n, 64))
    return full_s * (0.5 + u)


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

    async def submit(self, key: str, target: str, items: Sequence[BatchItem]) -> BatchState:
        """Send a batch under a new `key`. Raises `ProviderError`; `ValueError` for an invalid key."""
        if not NAME.fullmatch(key):
            raise ValueError(f"expected a key of letters, digits, - and _, got {key!r}")
        state = BatchState(key, target, len(items))
        if any(known.key == key for known in self._journal.states()):
            raise ValueError(f"expected a new key, got {key!r}, which is in the journal")
        self._journal.open(state, items)
        return await self._submitted(state)

    def unfinished(self) -> list[BatchState]:
        """The batches whose results have not been collected."""
        return [state for state in self._journal.states() if state.stage != "collected"]

    async def results(self, state: BatchState) -> list[BilledResult]:
        """Wait until the batch has ended; returns a result for each of its items, in their order.

        May be called for any batch of the journal, at any time, repeatedly. Raises `ProviderError` if the
        batch could not be sent.
        """
        if state.stage == "collected":
            return self._journal.results(state.key)
        state = await self._submitted(state)
        progress = await self._ended(state)
        billed = self._billed(state, progress, await self._collected(state, progress))
        self._journal.close(state, billed)
        return billed

    def give_up(self, key: str, error: ProviderError) -> None:
        """The provider refused the batch: it is not sent again, and each of its items has failed so."""
        state = next(known for known in self._journal.states() if known.key == key)
        failed = [ItemResult(item.custom_id, None, error) for item in self._journal.items(key)]
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

    async def _submitted(self, state: BatchState) -> BatchState:
        api, n = self._lanes[state.target].api, 0
        while state.stage in ("new", "submitting"):
            n += 1
            try:
                batch_id = await self._sent_before(state, api) if state.stage == "submitting" else None
                if batch_id is None:
                    state = self._journal.note(state, stage="submitting")
                    batch_id = await api.submit(state.key, self._journal.items(state.key))
                state = self._journal.note(state, stage="submitted", batch_id=batch_id)
            except ProviderError as error:
                if not error.retryable or n >= self._options.submit_attempts:
                    raise
                await self._pause(state.key, "submit", n - 1)
        return state

    async def _sent_before(self, state: BatchState, api: BatchApi) -> str | None:
        others = [known.batch_id for known in self._journal.states() if known.batch_id]
        return await api.find(state.key, state.total, others)

    async def _ended(self, state: BatchState) -> Progress:
        n = 0
        while True:
            await self._pause(state.key, "poll", n)
            n += 1
            try:
                progress = await self._lanes[state.target].api.status(state.batch_id)
            except ProviderError as error:
                if not error.retryable:
                    raise
                continue
            if progress.ended:
                return progress

    async def _collected(self, state: BatchState, progress: Progress) -> list[ItemResult]:
        n = 0
        while True:
            try:
                return await self._lanes[state.target].api.collect(progress)
            except ProviderError as error:
                if not error.retryable:
                    raise
            await self._pause(state.key, "collect", n)
            n += 1

    async def _pause(self, key: str, what: str, n: int) -> None:
        await asyncio.sleep(poll_after_s(self._options, n, uniform(self._seed, "batch", key, what, n)))

    def _billed(
        self, state: BatchState, progress: Progress, results: Sequence[ItemResult]
    ) -> list[BilledResult]:
        price, by_id = self._lanes[state.target].price, _by_id(results)
        billed: list[BilledResult] = []
        for item in self._journal.items(state.key):
            result = by_id.get(item.custom_id) or _missing(item.custom_id, progress)
            usage = None if result.answer is None else result.answer.finish.usage
            billed.append(BilledResult(result, 0 if usage is None else price.of(usage, batch=True)))
        return billed


def _by_id(results: Sequence[ItemResult]) -> dict[str, ItemResult]:
    """The result of each id. Of two results with one id neither can be trusted."""
    by_id: dict[str, ItemResult] = {}
    for each in results:
        if each.custom_id in by_id:
            error = ProviderError("malformed", "the batch has two results of this request")
            by_id[each.custom_id] = ItemResult(each.custom_id, None, error)
        else:
            by_id[each.custom_id] = each
    return by_id


def _missing(custom_id: str, progress: Progress) -> ItemResult:
    if progress.cancelled:
        error = ProviderError("batch_cancelled", CANCELLED)
    elif progress.reason:
        error = ProviderError("batch_failed", progress.reason)
    else:
        error = ProviderError("truncated", "the results of the batch lack this request")
    return ItemResult(custom_id, None, error)
