"""Rotation over several API keys of one target: round robin over the keys that are not in a cooldown.

A key that the provider refuses (401, 402, 403, a spent quota) cools down for `refused_s`; one that is rate
limited (429) for as long as the provider asks. While another key is in use, the failure is the key's, not the
target's: a retry uses the next key and does not wait, and breaker, limiter and load shedding do not count it.
When every key is in a cooldown, the one whose cooldown ends first is used, and its failure counts against the
target, as with a single key.

Rate-limit headers describe one key's share, so with several keys they are not passed on: configure the
target's limiter with the sum over all its keys. A stack file names keys and never holds their values: key "b"
of OpenAI is read from the environment, `OPENAI_API_KEY_B`.
"""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import Field, model_validator

from ..config.options import Options
from ..core.call import Call, Next
from ..core.errors import ProviderError
from ..core.kinds import ERROR_KINDS
from ..core.reply import Reply
from ..state.backend import Backend, MemoryBackend

KeyName = Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=64)]


class ApiKeysOptions(Options):
    """`keys = ["a", "b"]`, or a table: `names`; `refused_s` 300: cooldown of a refused key; `limited_s` 1:
    cooldown of a rate-limited key when the provider sends no Retry-After, and `max_limited_s` 60 at most when
    it does.
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
    def _names_differ(self) -> "ApiKeysOptions":
        twice = next((name for name in self.names if self.names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"names must differ, {twice!r} is there twice")
        return self


class Cooldown(NamedTuple):
    """A key is not used before `until_s`, on the loop's clock, because of an error of this kind."""

    until_s: float = 0.0
    kind: str = ""


class KeyPool(NamedTuple):
    """One cooldown per key (in the past: none), and the index of the key that is next in turn."""

    cooldowns: tuple[Cooldown, ...]
    turn: int = 0

    def in_use(self, n: int, now: float) -> bool:
        """Whether key `n` is in no cooldown."""
        return self.cooldowns[n].until_s <= now


def next_key(pool: KeyPool, now: float) -> tuple[KeyPool, int]:
    """The index of the next key in use; when all cool down, of the one whose cooldown ends first."""
    count = len(pool.cooldowns)
    order = [(pool.turn + step) % count for step in range(count)]
    chosen = next((n for n in order if pool.in_use(n, now)), None)
    if chosen is None:
        chosen = min(order, key=lambda n: pool.cooldowns[n].until_s)
    return pool._replace(turn=(chosen + 1) % count), chosen


def after_failure(
    options: ApiKeysOptions, pool: KeyPool, n: int, kind: str, retry_after_s: float | None, now: float
) -> tuple[KeyPool, bool]:
    """The pool after key `n` failed with error `kind`, and whether that is the key's failure alone, because
    another key is in use.
    """
    if ERROR_KINDS[kind].breaker == "key":
        cooldown_s = options.refused_s
    elif kind == "rate_limited":
        cooldown_s = options.limited_s if retry_after_s is None else min(retry_after_s, options.max_limited_s)
    else:
        return pool, False
    cooldown = Cooldown(max(pool.cooldowns[n].until_s, now + cooldown_s), kind)
    cooldowns = (*pool.cooldowns[:n], cooldown, *pool.cooldowns[n + 1 :])
    pool = pool._replace(cooldowns=cooldowns)
    return pool, any(pool.in_use(other, now) for other in range(len(cooldowns)) if other != n)


class ApiKeys:
    """The layer for one target: names the key of each attempt as `call.attempt.key_name`."""

    def __init__(self, options: ApiKeysOptions, key: str = "keys", backend: Backend | None = None) -> None:
        self._options = options
        self._key = key
        self._backend = backend or MemoryBackend()
        self._initial = KeyPool((Cooldown(),) * len(options.names))

    async def __call__(self, call: Call, next: Next) -> Reply:
        now = asyncio.get_running_loop().time()
        n = await self._backend.update(self._key, lambda known: next_key(known or self._initial, now))
        try:
            reply = await next(call.with_attempt(key_name=self._options.names[n]))
        except ProviderError as error:
            await self._on_failure(n, error)
            raise
        if len(self._options.names) > 1:
            reply.meters = None
        return reply

    async def _on_failure(self, n: int, error: ProviderError) -> None:
        """Start the key's cooldown if it is at fault, and set `error.of_key`."""
        now = asyncio.get_running_loop().time()
        hint_s = error.retry_after_s
        error.of_key = await self._backend.update(
            self._key,
            lambda known: after_failure(self._options, known or self._initial, n, error.kind, hint_s, now),
        )
        if error.of_key:
            error.retryable = True
        if len(self._options.names) > 1:
            error.meters = None

    async def cooldowns(self) -> Mapping[str, Cooldown]:
        """The cooldowns by key name, for a health report."""
        pool: KeyPool = await self._backend.update(self._key, lambda known: (known, known or self._initial))
        return dict(zip(self._options.names, pool.cooldowns, strict=True))
