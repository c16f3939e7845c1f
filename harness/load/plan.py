"""The arrival plan: every call of a run, decided before the run. Every engine plays the same plan.

Pure and seeded. Each call's draws are keyed by the number of its arrival (and its turn in the session), so a
longer plan starts with the shorter one.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.errors import InputError

from .arrivals import Arrivals, arrival_times, describe_arrivals
from .draws import IdentityPart, bits, unit
from .trace import Trace
from .workload.catalogue import Difficulty, Question
from .workload.options import Workload, WorkloadOptions, describe_workload
from .workload.prompt import Exchange, Message, Prompt, make_prompt
from .workload.questions import DrawKey, Questions
from .workload.sessions import Turn, conversations


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """One call: its start `at_s` (seconds since t = 0), its prompt, and the right answer, `expected`.

    `session` names the conversation that the call belongs to, "" for none. The prompt is kept as a recipe, so
    that an hour of traffic with long prompts stays small; `messages` makes the texts when the call is sent.
    """

    n: int
    call_id: str
    at_s: float
    tenant: str
    question_id: str
    difficulty: Difficulty
    prompt: Prompt
    expected: str
    max_tokens: int
    stream: bool
    temperature: float | None = None
    session: str = ""

    @property
    def messages(self) -> tuple[Message, ...]:
        """(role, content) of each message, built at each access."""
        return self.prompt.messages

    @property
    def input_tokens(self) -> int:
        """Tokens of the prompt by `count_tokens`."""
        return self.prompt.input_tokens

    @property
    def output_tokens(self) -> int:
        """Length in tokens of the reply that the prompt asks for."""
        return self.prompt.output_tokens


def make_plan(
    arrivals: Arrivals, workload: Workload, seed: int, duration_s: float, trace: Trace | None = None
) -> list[PlannedCall]:
    """The calls that start in [0, duration_s), in order.

    Without a trace, `fresh_share` of the calls have notes and lengths of their own; the others repeat their
    question's one prompt, so that an exact cache can hit. With a trace, every call has the recorded call's
    input and output lengths, so prompts repeat only when lengths and question do. With ids of prompt blocks
    in the trace, prompts have the common prefixes that they had there.

    Raises InputError when arrivals of kind "trace" have no trace, when other arrivals have one, and when a
    trace is given with sessions or bursts.
    """
    times = arrival_times(arrivals, seed, duration_s, trace)
    options = workload.options
    for key in ("sessions", "bursts"):
        if trace is not None and getattr(options, key):
            raise InputError(f"workload.{key}: expected none, because a trace is given")
    prompts = _Prompts(workload, seed)
    planned = [
        turn
        for turns in conversations(times, options.sessions, seed)
        for turn in _conversation(turns, prompts, duration_s, trace)
    ]
    planned.sort(key=lambda turn: turn.at_s)
    return [_call(n, turn, options, seed) for n, turn in enumerate(planned)]


@dataclass(frozen=True, slots=True)
class _PlannedTurn:
    """A turn with its question and its prompt, not yet numbered."""

    at_s: float
    key: DrawKey
    question: Question
    prompt: Prompt
    session: str = ""


def _conversation(
    turns: tuple[Turn, ...], prompts: "_Prompts", duration_s: float, trace: Trace | None
) -> Iterator[_PlannedTurn]:
    """The turns that start before the end, each with the turns before it as its history."""
    earlier: tuple[Exchange, ...] = ()
    for turn in turns:
        if turn.at_s is not None and turn.at_s >= duration_s:
            return
        question, prompt = prompts.of(turn, trace)
        if turn.at_s is not None:
            session = "" if trace is None else trace.rows[int(turn.key[0])].session
            yield _PlannedTurn(turn.at_s, turn.key, question, prompt.after(earlier), session)
        if len(turns) > 1:
            earlier = (*earlier, prompt.answered(question.answer))


def _call(n: int, turn: _PlannedTurn, options: WorkloadOptions, seed: int) -> PlannedCall:
    arrival = turn.key[0]
    return PlannedCall(
        n=n,
        call_id=f"c{n:06d}",
        at_s=turn.at_s,
        tenant=f"tenant-{1 + int(unit(seed, 'tenant', arrival) * options.tenants)}",
        question_id=turn.question.id,
        difficulty=turn.question.difficulty,
        prompt=turn.prompt,
        expected=turn.question.answer,
        max_tokens=options.max_tokens,
        stream=options.stream,
        temperature=options.temperature,
        session=turn.session if options.sessions is None else f"s{arrival:06d}",
    )


def describe(arrivals: Arrivals, workload: Workload, trace: Trace | None = None) -> tuple[str, str]:
    """(arrivals, workload) in words, for the report's method section."""
    return describe_arrivals(arrivals, trace), describe_workload(workload, trace)


class _Prompts:
    """Questions and prompts of one plan; each recipe is built once."""

    def __init__(self, workload: Workload, seed: int) -> None:
        options = workload.options
        self._options = options
        self._lengths = workload.lengths
        self._system = workload.system_prompt
        self._seed = seed
        self._questions = Questions(workload.questions, options.zipf_s, options.confusable_share, seed)
        self._of_wording: dict[str, Prompt] = {}

    def of(self, turn: Turn, trace: Trace | None) -> tuple[Question, Prompt]:
        """The question and the prompt of this turn, without the turns before it."""
        if turn.at_s is not None:
            for nth, burst in enumerate(self._options.bursts):
                inside = burst.from_s <= turn.at_s < burst.to_s
                if inside and unit(self._seed, "burst", nth, *turn.key) < burst.share:
                    return self._in_burst(nth)
        key = turn.key
        if trace is not None and (prefix := trace.rows[int(key[0])].prefix):
            key = ("blocks", prefix[-1])  # prompts that were equal in the trace ask the same
        question = self._questions.question_for(key)
        wording = self._questions.wording_for(question, key, self._options.paraphrase_share)
        return question, self._prompt(question, wording, turn.key, trace)

    def _in_burst(self, nth: int) -> tuple[Question, Prompt]:
        question = self._questions.burst_question(nth)
        lengths = self._lengths.of(self._seed, f"burst {nth}")
        return question, self._sized(question, question.question, *lengths, "burst", nth)

    def _prompt(self, question: Question, wording: str, key: DrawKey, trace: Trace | None) -> Prompt:
        if trace is not None:
            row = trace.rows[int(key[0])]
            sized = self._sized(question, wording, row.input_tokens, row.output_tokens)
            return sized.made_of(row.prefix, trace.block_tokens)
        if unit(self._seed, "fresh", *key) < self._options.fresh_share:
            lengths = self._lengths.of(self._seed, f"call {' '.join(map(str, key))}")
            return self._sized(question, wording, *lengths, *key)
        prompt = self._of_wording.get(wording)
        if prompt is None:
            lengths = self._lengths.of(self._seed, question.id)
            prompt = self._of_wording[wording] = self._sized(question, wording, *lengths)
        return prompt

    def _sized(
        self, question: Question, wording: str, input_tokens: int, output_tokens: int, *own: IdentityPart
    ) -> Prompt:
        """The question's prompt of these lengths; with `own`, a prompt that no other call has."""
        options = self._options
        output_tokens = min(max(1, options.reply_tokens or output_tokens), options.max_output_tokens)
        filler_key = bits(self._seed, "prompt", question.id, input_tokens, output_tokens, *own)
        return make_prompt(
            self._system, wording, input_tokens if options.notes else 0, output_tokens, filler_key
        )
