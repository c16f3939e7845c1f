"""A stack called as a library."""

import asyncio
from typing import cast

from harness.load.driver import Ask
from harness.load.plan import PlannedCall
from harness.load.reading import ObservedReply
from harness.stack.assembly.stack import Stack
from harness.stack.core.call import Call, Caller
from harness.stack.core.errors import Rejected, StackError
from harness.stack.core.reply import Delta, Finish
from harness.stack.core.request import Message, Role


def ask_stack(stack: Stack) -> Ask:
    """Calls `stack` directly; a chunk's time is when its event is read."""

    async def ask(planned: PlannedCall, observed: ObservedReply) -> None:
        now = asyncio.get_running_loop().time
        try:
            async with await stack.ask(_call(stack, planned, now())) as reply:
                observed.status = 200
                async for event in reply:
                    if isinstance(event, Delta):
                        observed.chunk_s.append(now())
                        observed.pieces.append(event.text)
                    elif isinstance(event, Finish):
                        observed.finish_reason = event.reason
                        observed.output_tokens = 0 if event.usage is None else event.usage.output_tokens
        except StackError as error:
            observed.error_kind = error.kind
            observed.rejected = isinstance(error, Rejected)
            observed.status = getattr(error, "status", observed.status)

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
