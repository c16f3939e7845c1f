"""When a reply breaks after its first event: the next target goes on from where it broke.

The partial answer is handed to the next target as the beginning of its own (`Call.prefill`), so a reader
sees one answer that pauses for a moment. Targets that do not go on from a prefill are left out, and so are
calls of tools, half of which nobody can finish. When it cannot be done, the error carries the text so far
and its cost.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from ..core.call import Call
from ..core.errors import ProviderError, StackError
from ..core.reply import Delta, Event, Finish, Reply
from ..core.target import Target
from ..core.tokens import count
from .failover import Attempted
from .retry_budget import Grant
from .seam import Seam

Ask = Callable[[Call, Sequence[Target], Attempted], Awaitable[tuple[Target, Reply]]]
"""Sends a call to the first of these targets that begins to answer."""


def after(target: Target, targets: Sequence[Target]) -> tuple[Target, ...]:
    """Who is to go on when `target` broke: those after it, those before it, itself at last."""
    at = targets.index(target)
    order = (*targets[at + 1 :], *targets[:at], target)
    return tuple(candidate for candidate in order if candidate.prefill)


class Continuation:
    """An event source: `reply`, and whatever goes on from where it breaks.

    `most` is how often it may be continued, and `grant` must agree each time.
    """

    def __init__(
        self,
        call: Call,
        answering: tuple[Target, Reply],
        targets: Sequence[Target],
        ask: Ask,
        attempted: Attempted,
        *,
        most: int,
        grant: Grant | None,
    ) -> None:
        self._call = call
        self._target, self._reply = answering
        self._targets = targets
        self._ask = ask
        self._attempted = attempted
        self._left = most
        self._grant = grant
        self._pieces: list[str] = []
        self._said_before = 0
        self._seam: Seam | None = None
        self._text_only = True

    async def __anext__(self) -> Event:
        while True:
            try:
                event = await self._reply.__anext__()
            except ProviderError as error:
                await self._go_on(error)
                continue
            if type(event) is Delta:
                if self._seam is not None:
                    event = Delta(self._seam.take(event.text))
                    if not event.text:
                        continue
                self._pieces.append(event.text)
            elif type(event) is Finish:
                return self._whole(event)
            else:
                self._text_only = False
            return event

    async def aclose(self) -> None:
        """Stop reading whoever is answering."""
        await self._reply.aclose()

    async def _go_on(self, error: ProviderError) -> None:
        """Make the next target's reply the one that is read, or raise."""
        said = "".join(self._pieces)
        try:
            self._attempted.add(self._target, error)
            candidates = after(self._target, self._targets)
            if not (self._text_only and self._left and candidates and await self._granted()):
                raise error
            self._left -= 1
            answering = await self._ask(self._from_here(said), candidates, self._attempted)
        except StackError as failure:
            failure.partial = said
            failure.cost_nusd = self._call.facts.cost_nusd
            raise
        self._target, self._reply = answering
        self._said_before, self._seam = count(len(said)), Seam(said)

    async def _granted(self) -> bool:
        return self._grant is None or await self._grant()

    def _from_here(self, said: str) -> Call:
        """The call as whoever goes on gets it: what is there, and how many tokens may still come."""
        limit = self._call.request.max_tokens
        left = None if limit is None else max(1, limit - count(len(said)))
        request = self._call.with_request(prefill=self._call.request.prefill + said, max_tokens=left)
        return request.with_attempt(kind="continue")

    def _whole(self, finish: Finish) -> Finish:
        """The end of the whole answer: its usage counts what came before the seam, too."""
        if finish.usage is None or not self._said_before:
            return finish
        output_tokens = self._said_before + finish.usage.output_tokens
        return Finish(finish.reason, replace(finish.usage, output_tokens=output_tokens))
