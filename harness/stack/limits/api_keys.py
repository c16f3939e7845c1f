"""Several API keys for one target: attempts take turns over them, and a key that is refused rests.

A key that the provider refuses (401, 402, 403, a spent quota) rests for `refused_s`; one that is told to slow
down (429) for as long as the provider asks. While another key is in use, such a failure is the key's and says
nothing about the target: a retry goes out with the next key and does not wait for this one, and breaker,
limiter and throttle do not count it. The last key never rests: when all do, the one whose rest ends first is
used, and its failure is the target's, as if there were one key only.

What headers tell of rate limits is one key's share, so with several keys it is not passed on: a target's
limiter is then to be given what all its keys may take together. In a stack's file keys have names, never
values: key "b" of OpenAI is read from the environment, `OPENAI_API_KEY_B`.
"""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import Field, model_validator

from ..core.call import Call, Next
from ..core.errors import ProviderError
from ..core.kinds import ERROR_KINDS
from ..core.options import Options
from ..core.reply import Reply
from ..state.backend import Backend, MemoryBackend

KeyName = Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=64)]


class KeysOptions(Options):
    """`keys = ["a", "b"]`, or a table: `names`; `refused_s` 300: rest of a key that was refused; `limited_s`
    1: of one that was told to slow down, when the provider does not say for how long, and at most
    `max_limited_s` 60 when it does.
    """

    names: tuple[KeyName, ...] = Field(min_length=1)
    refused_s: float = Field(default=300.0, ge=0)
    limited_s: float = Field(default=1.0, ge=0)
    max_limited_s: float = Field(default=60.0, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _names_alone(cls, values: Any) -> Any:
        return {"names": values} if isinstance(values, list | tuple) else values

    @model_validator(mode="after")
    def _names_differ(self) -> "KeysOptions":
        twice = next((name for name in self.names if self.names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"names must differ, {twice!r} is there twice")
        return self


class Rest(NamedTuple):
    """Until when a key is not used, and why: an error kind."""

    until_s: float = 0.0
    why: str = ""


class Ring(NamedTuple):
    """All that is known: a rest for each key (over, or never begun, in the past), and whose turn it is."""

    rests: tuple[Rest, ...]
    turn: int = 0

    def in_use(self, n: int, now: float) -> bool:
        """Whether key `n` takes turns."""
        return self.rests[n].until_s <= now


def take_turn(ring: Ring, now: float) -> tuple[Ring, int]:
    """The next key in use; when all rest, the one whose rest ends first."""
    count = len(ring.rests)
    order = [(ring.turn + step) % count for step in range(count)]
    chosen = next((n for n in order if ring.in_use(n, now)), None)
    if chosen is None:
        chosen = min(order, key=lambda n: ring.rests[n].until_s)
    return ring._replace(turn=(chosen + 1) % count), chosen


def rested(
    options: KeysOptions, ring: Ring, n: int, kind: str, retry_after_s: float | None, now: float
) -> tuple[Ring, bool]:
    """The ring after key `n` failed in that way, and whether the failure is the key's alone: another is in
    use.
    """
    if ERROR_KINDS[kind].breaker == "key":
        rest_s = options.refused_s
    elif kind == "rate_limited":
        rest_s = options.limited_s if retry_after_s is None else min(retry_after_s, options.max_limited_s)
    else:
        return ring, False
    rest = Rest(max(ring.rests[n].until_s, now + rest_s), kind)
    rests = (*ring.rests[:n], rest, *ring.rests[n + 1 :])
    ring = ring._replace(rests=rests)
    return ring, any(ring.in_use(other, now) for other in range(len(rests)) if other != n)


class Keys:
    """One target's. Names the key that an attempt is sent with, as `call.attempt.key_name`."""

    def __init__(self, options: KeysOptions, key: str = "keys", backend: Backend | None = None) -> None:
        self._options = options
        self._key = key
        self._backend = backend or MemoryBackend()
        self._unknown = Ring((Rest(),) * len(options.names))

    async def __call__(self, call: Call, next: Next) -> Reply:
        now = asyncio.get_running_loop().time()
        n = await self._backend.update(self._key, lambda known: take_turn(known or self._unknown, now))
        try:
            reply = await next(call.with_attempt(key_name=self._options.names[n]))
        except ProviderError as error:
            await self._learn(n, error)
            raise
        if len(self._options.names) > 1:
            reply.meters = None
        return reply

    async def _learn(self, n: int, error: ProviderError) -> None:
        """Let the key rest if it is at fault; the error then says whose fault it is."""
        now = asyncio.get_running_loop().time()
        hint_s = error.retry_after_s
        error.of_key = await self._backend.update(
            self._key,
            lambda known: rested(self._options, known or self._unknown, n, error.kind, hint_s, now),
        )
        if error.of_key:
            error.retryable = True
        if len(self._options.names) > 1:
            error.meters = None

    async def rests(self) -> Mapping[str, Rest]:
        """What it knows now, by the keys' names: for those who show it."""
        ring: Ring = await self._backend.update(self._key, lambda known: (known, known or self._unknown))
        return dict(zip(self._options.names, ring.rests, strict=True))
