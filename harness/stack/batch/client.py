"""Submit, poll, collect, cancel, and go on after a restart.

Before anything is sent the batch is on disk, so a process that dies at any point goes on where it was: a
batch that may or may not have been sent is looked for at the provider before it is sent again, so that it is
not paid twice. A poll that fails is one that told nothing; the next one comes.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import Field

from ..core.draws import uniform
from ..core.errors import ProviderError
from ..core.options import Options
from ..money.price import Price
from .http import CANCELLED, BatchApi, Progress, Request, Result
from .journal import Billed, Journal, State

NAME = re.compile(r"[A-Za-z0-9_-]+")


class BatchClientOptions(Options):
    """`poll_s` 60 to the first look, each later one `growth` 1.5 times as far away, at most `max_poll_s` 600;
    all drawn from half to one and a half times that. `submit_attempts` 5: how often a batch is sent, or
    looked for, before submitting fails.
    """

    poll_s: float = Field(default=60.0, gt=0)
    growth: float = Field(default=1.5, ge=1)
    max_poll_s: float = Field(default=600.0, gt=0)
    submit_attempts: int = Field(default=5, ge=1)


def poll_after_s(options: BatchClientOptions, n: int, u: float) -> float:
    """How long to wait before look `n`, counted from 0; `u` is drawn from [0, 1)."""
    full_s = min(options.max_poll_s, options.poll_s * options.growth ** min(n, 64))
    return full_s * (0.5 + u)


@dataclass(frozen=True, slots=True)
class Lane:
    """One target: its batch API, and the live price of its model."""

    api: BatchApi
    price: Price


class BatchClient:
    """The batches of one journal; `lanes` are the targets by their names."""

    def __init__(
        self,
        lanes: Mapping[str, Lane],
        journal: Journal,
        options: BatchClientOptions | None = None,
        seed: int = 0,
    ) -> None:
        self._lanes = lanes
        self._journal = journal
        self._options = options or BatchClientOptions()
        self._seed = seed

    async def submit(self, key: str, target: str, requests: Sequence[Request]) -> State:
        """Send a batch under our name for it, which must be new. Raises `ProviderError`."""
        if not NAME.fullmatch(key):
            raise ValueError(f"expected a key of letters, digits, - and _, got {key!r}")
        state = State(key, target, len(requests))
        if any(known.key == key for known in self._journal.states()):
            raise ValueError(f"there is a batch {key!r} in the journal")
        self._journal.open(state, requests)
        return await self._submitted(state)

    def unfinished(self) -> list[State]:
        """Batches that an earlier process began, and nobody has collected."""
        return [state for state in self._journal.states() if state.stage != "collected"]

    async def results(self, state: State) -> list[Billed]:
        """Wait until the batch has ended; a result for each of its requests, in their order.

        May be called for any batch of the journal, at any time and again. Raises `ProviderError` for one that
        could not be sent.
        """
        if state.stage == "collected":
            return self._journal.results(state.key)
        state = await self._submitted(state)
        progress = await self._ended(state)
        billed = self._billed(state, progress, await self._collected(state, progress))
        self._journal.close(state, billed)
        return billed

    async def cancel(self, state: State) -> None:
        """Let nothing more of it be done; what was done is billed and among the results. Late is fine."""
        if not state.batch_id:
            return
        try:
            await self._lanes[state.target].api.cancel(state.batch_id)
        except ProviderError as error:
            if error.status not in (400, 409):
                raise

    async def _submitted(self, state: State) -> State:
        api, n = self._lanes[state.target].api, 0
        while state.stage in ("new", "submitting"):
            n += 1
            try:
                batch_id = await self._sent_before(state, api) if state.stage == "submitting" else None
                if batch_id is None:
                    state = self._journal.note(state, stage="submitting")
                    batch_id = await api.submit(state.key, self._journal.requests(state.key))
                state = self._journal.note(state, stage="submitted", batch_id=batch_id)
            except ProviderError as error:
                if not error.retryable or n >= self._options.submit_attempts:
                    raise
                await self._pause(state.key, "submit", n - 1)
        return state

    async def _sent_before(self, state: State, api: BatchApi) -> str | None:
        others = [known.batch_id for known in self._journal.states() if known.batch_id]
        return await api.find(state.key, state.total, others)

    async def _ended(self, state: State) -> Progress:
        n = 0
        while True:
            await self._pause(state.key, "poll", n)
            n += 1
            try:
                progress = await self._lanes[state.target].api.look(state.batch_id)
            except ProviderError as error:
                if not error.retryable:
                    raise
                continue
            if progress.ended:
                return progress

    async def _collected(self, state: State, progress: Progress) -> list[Result]:
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

    def _billed(self, state: State, progress: Progress, results: Sequence[Result]) -> list[Billed]:
        price, by_id = self._lanes[state.target].price, {each.custom_id: each for each in results}
        billed: list[Billed] = []
        for request in self._journal.requests(state.key):
            result = by_id.get(request.custom_id) or _undone(request.custom_id, progress)
            usage = None if result.answer is None else result.answer.finish.usage
            billed.append(Billed(result, 0 if usage is None else price.of(usage, batch=True)))
        return billed


def _undone(custom_id: str, progress: Progress) -> Result:
    if progress.cancelled:
        error = ProviderError("batch_cancelled", CANCELLED)
    elif progress.reason:
        error = ProviderError("bad_request", progress.reason)
    else:
        error = ProviderError("truncated", "the results of the batch lack this request")
    return Result(custom_id, None, error)
