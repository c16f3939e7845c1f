"""A stack called as a library."""

import asyncio
from typing import cast

from harness.load.driver import Ask
from harness.load.plan import PlannedCall
from harness.load.reading import Seen
from harness.stack.build.stack import Stack
from harness.stack.core.call import Call, Caller
from harness.stack.core.errors import Rejected, StackError
from harness.stack.core.reply import Delta, Finish
from harness.stack.core.request import Message, Role


def ask_stack(stack: Stack) -> Ask:
    """Calls `stack` directly; the moment of each chunk is when its event is read."""

    async def ask(planned: PlannedCall, seen: Seen) -> None:
        now = asyncio.get_running_loop().time
        try:
            async with await stack.ask(_call(stack, planned, now())) as reply:
                seen.status = 200
                async for event in reply:
                    if isinstance(event, Delta):
                        seen.chunk_s.append(now())
                        seen.pieces.append(event.text)
                    elif isinstance(event, Finish):
                        seen.finish_reason = event.reason
                        seen.output_tokens = 0 if event.usage is None else event.usage.output_tokens
        except StackError as error:
            seen.error_kind = error.kind
            seen.rejected = isinstance(error, Rejected)
            seen.status = getattr(error, "status", seen.status)

    return ask


def _call(stack: Stack, planned: PlannedCall, now: float) -> Call:
    messages = tuple(Message(cast("Role", role), content) for role, content in planned.messages)
    return stack.call(
        planned.call_id,
        messages,
        now,
        Caller(tenant=planned.tenant, hint=planned.difficulty),
        model="gpt-4o",
        max_tokens=planned.max_tokens,
        temperature=planned.temperature,
        stream=planned.stream,
    )
