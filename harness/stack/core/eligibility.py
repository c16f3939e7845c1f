"""Whether a target can serve a call at all. An unsuitable target is skipped, with the reason on record.

Codecs translate what has an equivalent in the target's protocol; a call that needs more goes elsewhere.
"""

from .call import Call
from .media.models import not_taken
from .support import refused
from .target import Target
from .tokens import call_tokens

MOST_STOPS = {"openai": 4, "together": 4}
"""Most stop sequences per provider. Dropping one would change where the answer ends."""


def unsuitable(call: Call, target: Target) -> str | None:
    """Why `target` cannot serve this call, or None if it can.

    Checked, where the call asks for it: permitted targets, residency, tools, JSON replies, prefill, media,
    number of stop sequences, settings that the target does not understand; and that the context window holds
    the prompt, tools included.
    """
    if call.routing.only and target.name not in call.routing.only:
        return f"the call may only go to {', '.join(call.routing.only)}"
    if call.caller.residency and call.caller.residency != target.region:
        where = target.region or "no known region"
        return f"the call must stay in {call.caller.residency}, {target.name} is in {where}"
    if not target.tools and _needs_tools(call):
        return f"{target.model} calls no tools"
    if not target.json and call.request.json_schema is not None:
        return f"{target.model} does not reply in JSON"
    if not target.prefill and call.request.prefill:
        return f"{target.model} does not go on from a partial answer"
    media = [media for message in call.request.messages for media in message.media]
    if reason := not_taken(media, target.provider, target.media):
        return f"{target.model} takes {reason}"
    return _unsuitable_settings(call, target)


def _unsuitable_settings(call: Call, target: Target) -> str | None:
    """The same for stop sequences, settings and the prompt's length."""
    most = MOST_STOPS.get(target.provider)
    if most is not None and len(call.request.stop) > most:
        return f"{target.provider} takes {most} stop sequences, the call has {len(call.request.stop)}"
    lacking = refused(call.request, target)
    if lacking:
        return f'{target.model} does not take {", ".join(lacking)} (unsupported = "drop" sends it without)'
    needed = call_tokens(call)
    if needed > target.context_tokens:
        return f"the prompt has about {needed} tokens, {target.model} takes {target.context_tokens}"
    return None


def _needs_tools(call: Call) -> bool:
    """A conversation in which tools were called needs them, too."""
    if call.request.tools and call.request.tool_choice != "none":
        return True
    return any(message.tool_calls or message.tool_call_id for message in call.request.messages)
