"""Fallback: an ordered chain of targets; each failure is on record, and when all have failed, so is that.

A target is left at its first failure that retrying did not heal. The prompt is adapted to the next one by its
codec. A request that is wrong in itself (`bad_request`) would be wrong everywhere and is not passed on.
"""

from dataclasses import replace

from .call import Call, Next, Target
from .errors import AllProvidersFailed, ProviderError, Rejected, StackError
from .reply import Reply
from .tokens import prompt_tokens

NOT_PASSED_ON = ("bad_request", "timeout_total", "rejected_deadline")


def unsuitable(call: Call, target: Target) -> str | None:
    """Why `target` cannot take this call, or None if it can: its context window must hold the prompt."""
    needed = prompt_tokens(call.messages)
    if needed > target.context_tokens:
        return f"the prompt has about {needed} tokens, {target.model} takes {target.context_tokens}"
    return None


class Fallback:
    """Tries `targets` in order. Raises `AllProvidersFailed`, or the error itself if it is nobody's fault."""

    def __init__(self, targets: tuple[Target, ...]) -> None:
        self._targets = targets

    async def __call__(self, call: Call, next: Next) -> Reply:
        failures: list[tuple[str, StackError]] = []
        for target in self._targets:
            reason = unsuitable(call, target)
            if reason is not None:
                failures.append((target.name, Rejected("rejected_unsuitable", reason)))
                continue
            try:
                kind = "fallback" if failures else call.attempt_kind
                return await next(replace(call, target=target, attempt_kind=kind))
            except (ProviderError, Rejected) as error:
                if error.kind in NOT_PASSED_ON:
                    raise
                failures.append((target.name, error))
        if len(failures) == 1:
            raise failures[0][1]
        raise AllProvidersFailed(tuple(failures))
