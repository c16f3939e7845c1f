"""The output items of a response: one for each block of the plan, as far as it is generated.

Sources: `ResponseOutputItem` of the openai SDK; which fields are null or absent, the recorded replies in
vercel/ai, packages/openai/src/responses/__fixtures__.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from ...plan import Block, Choice, Piece, Plan
from ..dialect import Stamp
from ..openai.reply import REFUSAL
from .items import Json, item_id
from .request import ResponseRequest
from .sealed import sealed

ItemStatus = Literal["in_progress", "completed", "incomplete"]


class Slot(NamedTuple):
    """One output item: the block that it shows, its type, its id, its position in the output."""

    which: int
    block: Block
    kind: str
    id: str
    position: int


def response_id(stamp: Stamp) -> str:
    """The id of the response to a request."""
    return f"resp_{stamp.request_id.removeprefix('req_')}"


def slots_of(request: ResponseRequest, plan: Plan, stamp: Stamp) -> tuple[Slot, ...]:
    """The output items; blocks of tools and reasoning of which nothing is generated have none."""
    spoken = {piece.block for piece in plan.pieces}
    choice = plan.choices[0] if plan.choices else Choice()
    shown = [(nth, block) for nth, block in enumerate(choice.blocks) if block.kind == "text" or nth in spoken]
    custom = {tool.name for tool in request.tools if tool.free_text}
    kinds = [_kind(block, custom) for _, block in shown]
    own = response_id(stamp)
    return tuple(
        Slot(which, block, kind, item_id(kind, own, index), index)
        for index, ((which, block), kind) in enumerate(zip(shown, kinds, strict=True))
    )


def _kind(block: Block, custom: set[str]) -> str:
    if block.kind == "tool":
        return "custom_tool_call" if block.name in custom else "function_call"
    return "message" if block.kind == "text" else "reasoning"


def item(
    request: ResponseRequest, plan: Plan, slot: Slot, status: ItemStatus, text: str, *, opened: bool = False
) -> Json:
    """The item with the text generated so far; `opened`: as it is when it is added, without content."""
    if slot.kind == "function_call":
        return {
            "id": slot.id,
            "type": "function_call",
            "status": status,
            "arguments": text,
            "call_id": f"call_{slot.block.id}",
            "name": slot.block.name,
        }
    if slot.kind == "custom_tool_call":
        return {
            "id": slot.id,
            "type": "custom_tool_call",
            "status": status,
            "call_id": f"call_{slot.block.id}",
            "input": text,
            "name": slot.block.name,
        }
    if slot.kind == "reasoning":
        return _reasoning(request, plan, slot, text)
    content = [] if opened else message_content(plan, text)
    return {"id": slot.id, "type": "message", "status": status, "content": content, "role": "assistant"}


def _reasoning(request: ResponseRequest, plan: Plan, slot: Slot, text: str) -> Json:
    shown = text if request.summary else ""
    value: dict[str, Any] = {
        "id": slot.id,
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": shown}] if shown else [],
    }
    if "reasoning.encrypted_content" in request.include:
        value["encrypted_content"] = sealed(plan.text_of(0, slot.which))
    return value


def message_content(plan: Plan, text: str) -> list[Json]:
    """The content of a message: its words, and a refusal if it is one."""
    refused = plan.choices[0].finish == "refused"
    content = [text_part(text)] if text or not refused else []
    return [*content, refusal_part("".join(REFUSAL))] if refused else content


def text_part(text: str) -> Json:
    """A part of words."""
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def refusal_part(text: str) -> Json:
    """A part that refuses."""
    return {"type": "refusal", "refusal": text}


def output_of(
    request: ResponseRequest, plan: Plan, stamp: Stamp, pieces: Sequence[Piece], *, whole: bool
) -> list[Json]:
    """The items of the response after these pieces; `whole`: all that will be, with the finish."""
    begun = {piece.block for piece in pieces}
    slots = slots_of(request, plan, stamp)
    shown = slots if whole else tuple(slot for slot in slots if slot.which in begun)
    cut = not whole or plan.choices[0].finish in ("length", "filtered")
    return [
        item(
            request,
            plan,
            slot,
            "incomplete" if cut and slot is shown[-1] else "completed",
            "".join(piece.text for piece in pieces if piece.block == slot.which),
        )
        for slot in shown
    ]
