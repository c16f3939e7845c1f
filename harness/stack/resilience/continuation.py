"""Continuation: when a reply breaks after its first event, the next target goes on from where it broke.

The partial answer is sent to the next target as a prefill (`Request.prefill`), so the reader sees one answer
with a pause in it. Targets that do not continue a prefill are skipped, those that refuse one are remembered,
and a reply with tool calls is not continued, since half a tool call cannot be. If no continuation is
possible, the error is the one that broke the answer, with the text so far and its cost.
"""

from collections.abc import Awaitable, Callable, Container, Sequence
from dataclasses import replace

from ..core.call import Call
from ..core.errors import ProviderError, StackError
from ..core.reply import Delta, Event, Finish, Reply
from ..core.target import Target
from ..core.tokens import count
from .failover import FailureLog
from .retry_budget import Grant
from .seam import Seam

AskTargets = Callable[[Call, Sequence[Target], FailureLog], Awaitable[tuple[Target, Reply]]]
"""Sends a call to the first of these targets that begins to answer."""


def continuation_order(
    target: Target, targets: Sequence[Target], refusing: Container[str] = ()
) -> tuple[Target, ...]:
    """Targets to continue with when `target` broke: those after it, those before it, itself last.

    Without those that continue no prefill; `refusing` are the names of those that have refused one.
    """
    at = targets.index(target)
    order = (*targets[at + 1 :], *targets[:at], target)
    return tuple(each for each in order if each.prefill and each.name not in refusing)


class Continuation:
    """An event source: the first target's reply, and its continuations by other targets.

    `most` is the number of continuations allowed; each needs a `grant` of the retry budget. `refusing` holds
    the names of targets that have refused a prefill; those that do so now are added.
    """

    def __init__(
        self,
        call: Call,
        answering: tuple[Target, Reply],
        targets: Sequence[Target],
        ask: AskTargets,
        *,
        most: int,
        grant: Grant | None,
        refusing: set[str],
    ) -> None:
        self._call = call
        self._target, self._reply = answering
        self._targets = targets
        self._ask = ask
        self._left = most
        self._grant = grant
        self._refusing = refusing
        self._pieces: list[str] = []
        self._earlier_tokens = 0
        self._seam: Seam | None = None
        self._text_only = True

    async def __anext__(self) -> Event:
        while True:
            try:
                event = await self._reply.__anext__()
            except ProviderError as error:
                await self._continue(error)
                continue
            if type(event) is Delta:
                if self._seam is not None:
                    event = Delta(self._seam.take(event.text))
                    if not event.text:
                        continue
                self._pieces.append(event.text)
            elif type(event) is Finish:
                return self._with_all_usage(event)
            else:
                self._text_only = False
            return event

    async def aclose(self) -> None:
        """Close the reply that is being read."""
        await self._reply.aclose()

    async def _continue(self, error: ProviderError) -> None:
        """Go on with the reply of another target, or raise `error` with the text so far."""
        partial = "".join(self._pieces)
        answering = await self._answering(error, partial)
        if answering is None:
            error.partial = partial
            error.cost_nusd = self._call.facts.cost_nusd
            raise error
        self._target, self._reply = answering
        self._earlier_tokens, self._seam = count(len(partial)), Seam(partial)

    async def _answering(self, error: ProviderError, partial: str) -> tuple[Target, Reply] | None:
        """The target that goes on, and its reply; None if none does."""
        candidates = continuation_order(self._target, self._targets, self._refusing)
        if not (error.row.next_target and self._text_only and self._left and candidates):
            return None
        if not await self._granted():
            return None
        self._left -= 1
        log = FailureLog(accepted=True)
        try:
            return await self._ask(self._continuation_call(partial), candidates, log)
        except StackError:
            return None
        finally:
            refused = (target for target, failure in log.failures if failure.kind == "unsupported")
            self._refusing.update(target.name for target in refused)

    async def _granted(self) -> bool:
        return self._grant is None or await self._grant()

    def _continuation_call(self, partial: str) -> Call:
        """The call with the text so far as prefill, and `max_tokens` less the tokens of that text."""
        limit = self._call.request.max_tokens
        left = None if limit is None else max(1, limit - count(len(partial)))
        request = self._call.with_request(prefill=self._call.request.prefill + partial, max_tokens=left)
        return request.with_attempt(kind="continue")

    def _with_all_usage(self, finish: Finish) -> Finish:
        """`finish` with the output tokens of all parts of the answer in its usage."""
        if finish.usage is None or not self._earlier_tokens:
            return finish
        output_tokens = self._earlier_tokens + finish.usage.output_tokens
        return Finish(finish.reason, replace(finish.usage, output_tokens=output_tokens))
