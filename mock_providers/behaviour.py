"""What a provider does about a request: a pure function from everything that matters to a Plan.

Order of what can happen: the rate limits, then the reply as the model would give it, then the faults. So a
request that a fault refuses has counted against the limits, as the providers document for failed requests.
"""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from . import tokens
from .answers import Catalogue, ReplyLength, Saying, say
from .draws import Draws
from .faults import apply_faults
from .faults.base import FaultBase, Scene
from .latency import Chunk, schedule
from .plan import Piece, Plan, refusal
from .profile import Model
from .request import Request
from .state import Admission


class Setting(NamedTuple):
    """Everything besides the request that shapes a reply of one model."""

    provider: str
    model_id: str
    model: Model
    reply_length: ReplyLength
    catalogue: Catalogue
    faults: Sequence[FaultBase]
    scene: Scene


def plan_reply(setting: Setting, request: Request, admission: Admission, draws: Draws, t_s: float) -> Plan:
    """The plan for a valid request received `t_s` after t = 0; `draws` are those of the whole run."""
    if admission.verdict.refused_by is not None:
        problem = setting.scene.errors.rate_limited(admission.verdict, setting.model_id)
        return refusal(problem, setting.scene.error_latency_s, admission.verdict.meters)
    mine = draws.under(setting.provider, setting.model_id, request.digest, admission.nth)
    plan = _undisturbed(setting, request, admission, mine)
    return apply_faults(setting.faults, plan, setting.scene, setting.provider, setting.model_id, t_s, mine)


def _undisturbed(setting: Setting, request: Request, admission: Admission, draws: Draws) -> Plan:
    model = setting.model
    room = model.context_window - request.input_tokens
    cap = min(model.max_output_tokens, room)
    saying = say(request, setting.catalogue, model.accuracy, setting.reply_length, cap, draws)
    ttft_s = model.ttft.draw(draws.rng("ttft"))
    chunks = schedule(tokens.count(saying.text), ttft_s, model.pace, draws.rng("pace"))
    ends_s = chunks[-1].due_s if chunks else ttft_s
    pieces = _pieces(saying, chunks) if request.stream else _whole(saying, ends_s)
    return Plan(
        status=200,
        ends="complete",
        ends_s=ends_s,
        headers_s=ttft_s if request.stream else ends_s,
        pieces=pieces,
        ttft_s=ttft_s,
        input_tokens=request.input_tokens,
        finish=saying.finish,
        stop_sequence=saying.stop_sequence,
        answer=saying.answer,
        meters=admission.verdict.meters,
    )


def _pieces(saying: Saying, chunks: list[Chunk]) -> tuple[Piece, ...]:
    if not chunks:
        return ()
    text, (due_s, sizes) = saying.text, zip(*chunks, strict=True)
    ends = [tokens.CHARS_PER_TOKEN * total for total in accumulate(sizes)]
    texts = [text[start:end] for start, end in pairwise((0, *ends))]
    return tuple(map(Piece._make, zip(due_s, texts, sizes, strict=True)))


def _whole(saying: Saying, ends_s: float) -> tuple[Piece, ...]:
    return (Piece(ends_s, saying.text, tokens.count(saying.text)),)
