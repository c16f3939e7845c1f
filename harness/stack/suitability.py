"""Whether a target can take a call at all: an unfit one is never tried."""

from .call import Call, Target
from .tokens import call_tokens


def unsuitable(call: Call, target: Target) -> str | None:
    """Why `target` cannot take this call, or None if it can: its context window must hold the prompt."""
    needed = call_tokens(call)
    if needed > target.context_tokens:
        return f"the prompt has about {needed} tokens, {target.model} takes {target.context_tokens}"
    return None
