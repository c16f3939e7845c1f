"""Plans the reply to a request: a pure function of the model, the admission, the faults and the draws.

Rate limits apply first, then the model's reply is generated, then the faults change it. So a request that a
fault refuses has counted against the limits, as the providers document for failed requests.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate, pairwise, repeat
from typing import NamedTuple

from ..content.answers import GeneratedChoice, generate
from ..content.options import ReplyLength
from ..content.questions import Catalogue
from ..content.reasoning import is_shown, thought_tokens
from ..exchange import tokens
from ..exchange.draws import Draws
from ..exchange.request import Request
from ..faults import apply_faults
from ..faults.base import FaultBase, FaultEffects, Refusals
from ..latency.pacing import Chunk, Pace, schedule
from ..plan import Block, Choice, Piece, Plan, refusal
from ..profile import Model
from ..scripts import ScriptedReply
from .state import Admission


class ReplyContext(NamedTuple):
    """Everything besides the request that determines a reply; `faults` are those that match it, `scripted`
    is the entry of the script that answers it.
    """

    model_id: str
    model: Model
    reply_length: ReplyLength
    catalogue: Catalogue
    faults: Sequence[FaultBase]
    effects: FaultEffects
    refusals: Refusals
    scripted: ScriptedReply | None = None


def plan_reply(context: ReplyContext, request: Request, admission: Admission, draws: Draws) -> Plan:
    """The plan for a valid request; `draws` are its own."""
    if admission.verdict.refused_by is not None:
        problem = context.refusals.errors.rate_limited(admission.verdict, context.model_id)
        return refusal(problem, context.refusals.error_latency_s, admission.verdict.meters)
    if admission.full:
        overloaded = context.refusals.errors.overloaded()
        return refusal(overloaded, context.refusals.error_latency_s, admission.verdict.meters)
    plan = _without_faults(context, request, admission, draws)
    return apply_faults(context.faults, plan, context.refusals._replace(model=context.model_id))


def _without_faults(context: ReplyContext, request: Request, admission: Admission, draws: Draws) -> Plan:
    model, cached = context.model, admission.cached
    generated = _generated(context, request, draws)
    queued_s, slowdown = 0.0, 1.0
    if model.load is not None and admission.place is not None:
        queued_s, slowdown = admission.place.wait_s, model.load.gap_factor(admission.place.busy_share)
    prefill_s = model.prefill_s_per_token * (request.input_tokens - cached.read_tokens)
    ttft_s = queued_s + model.ttft.draw(draws.rng("ttft")) + prefill_s
    pieces = _all_pieces(generated, ttft_s, model.pace, slowdown, draws)
    ends_s = pieces[-1].due_s if pieces else ttft_s
    return Plan(
        status=200,
        ends="complete",
        ends_s=ends_s,
        headers_s=ttft_s if request.stream else ends_s,
        streamed=request.stream,
        pieces=tuple(pieces) if request.stream else tuple(_whole(generated, ends_s)),
        ttft_s=ttft_s,
        choices=tuple(_choice(context, request, choice, nth, draws) for nth, choice in enumerate(generated)),
        input_tokens=request.input_tokens,
        cached_input_tokens=cached.read_tokens,
        cache_write_tokens=cached.write_tokens,
        cache_write_1h_tokens=cached.write_1h_tokens,
        cache_lost_tokens=cached.lost_tokens,
        media_tokens=request.media_tokens,
        queued_s=queued_s,
        service_tier=_served_tier(model, request, draws),
        answer=generated[0].answer,
        meters=admission.verdict.meters,
    )


def _served_tier(model: Model, request: Request, draws: Draws) -> str:
    """The service tier asked for, if the model offers it and does not serve this request as standard."""
    if request.service_tier not in model.price.service_tiers:
        return ""
    downgraded = draws.uniform("service_tier") < model.tier_downgrade_share
    return "" if downgraded else request.service_tier


def _generated(context: ReplyContext, request: Request, draws: Draws) -> list[GeneratedChoice]:
    """The content of each choice, within the model's context window."""
    model = context.model
    cap = min(model.max_output_tokens, model.context_window - request.input_tokens)
    if context.scripted is not None and context.scripted.is_reply:
        return [context.scripted.choice(request, cap)] * request.n
    reasoning, of_choice = model.reasoning, partial(_of_choice, draws)
    thoughts = [
        thought_tokens(request, reasoning, context.model_id, of_choice(nth)) for nth in range(request.n)
    ]
    return [
        generate(
            replace(request, thought_tokens=thoughts[nth]) if thoughts[nth] else request,
            context.catalogue,
            model.accuracy,
            context.reply_length,
            cap,
            of_choice(nth),
            quality=context.effects.quality,
        )
        for nth in range(request.n)
    ]


def _all_pieces(
    choices: list[GeneratedChoice], ttft_s: float, pace: Pace, slowdown: float, draws: Draws
) -> list[Piece]:
    """The chunks of all choices, in the order in which they are due."""
    pieces: list[Piece] = []
    for nth, choice in enumerate(choices):
        pieces += _pieces(nth, choice, ttft_s, pace, slowdown, _of_choice(draws, nth))
    if len(choices) > 1:
        pieces.sort(key=lambda piece: piece.due_s)
    return pieces


def _of_choice(draws: Draws, nth: int) -> Draws:
    """The draws of one choice; the first uses the reply's own."""
    return draws.under("choice", nth) if nth else draws


def _choice(
    context: ReplyContext, request: Request, generated: GeneratedChoice, nth: int, draws: Draws
) -> Choice:
    blocks = []
    for which, block in enumerate(generated.blocks):
        id_ = f"{draws.rng('tool', nth, which).getrandbits(96):024x}" if block.kind == "tool" else ""
        if block.kind == "reasoning":
            reasoning = context.model.reasoning
            shown = is_shown(request, reasoning, context.model_id)
            blocks.append(Block(block.kind, id_, block.name if reasoning is None else reasoning.field, shown))
        else:
            blocks.append(Block(block.kind, id_, block.name))
    return Choice(generated.finish, generated.stop_sequence, tuple(blocks))


def _pieces(
    nth: int, choice: GeneratedChoice, ttft_s: float, pace: Pace, slowdown: float, draws: Draws
) -> list[Piece]:
    """The chunks of one choice: its blocks in sequence, at one pace."""
    counts = [tokens.count(block.text) for block in choice.blocks]
    chunks = schedule(sum(counts), ttft_s, pace, draws.rng("pace"), slowdown)
    pieces: list[Piece] = []
    for which, (block, own) in enumerate(zip(choice.blocks, _by_block(chunks, counts), strict=True)):
        pieces += _cut(block.text, own, nth, which)
    return pieces


def _by_block(chunks: list[Chunk], counts: list[int]) -> list[list[Chunk]]:
    """The chunks of each block; a chunk across the end of a block is cut in two."""
    if len(counts) == 1:
        return [chunks]
    blocks: list[list[Chunk]] = []
    left = deque(chunks)
    for missing in counts:
        own: list[Chunk] = []
        while missing:
            due_s, size = left.popleft()
            own.append(Chunk(due_s, min(size, missing)))
            if size > missing:
                left.appendleft(Chunk(due_s, size - missing))
            missing -= own[-1].tokens
        blocks.append(own)
    return blocks


def _cut(text: str, chunks: list[Chunk], choice: int, block: int) -> list[Piece]:
    """The text of a block, cut into these chunks."""
    if not chunks:
        return []
    due_s, sizes = zip(*chunks, strict=True)
    ends = [tokens.CHARS_PER_TOKEN * total for total in accumulate(sizes)]
    texts = [text[start:end] for start, end in pairwise((0, *ends))]
    pieces = list(map(Piece, due_s, texts, sizes, repeat(choice), repeat(block)))
    pieces[0] = pieces[0]._replace(opens=True)
    return pieces


def _whole(choices: list[GeneratedChoice], ends_s: float) -> Iterator[Piece]:
    """A JSON reply: a piece for each block."""
    for nth, choice in enumerate(choices):
        for which, block in enumerate(choice.blocks):
            yield Piece(ends_s, block.text, tokens.count(block.text), nth, which, opens=True)
