"""The arrival plan: every call of a run, decided before it starts. Every engine plays the same plan.

Pure and seeded. Each call's draws are keyed by its number, so a longer plan starts with the shorter one.
"""

from dataclasses import dataclass

from .arrivals import Arrivals, arrival_times, describe_arrivals
from .catalogue import Difficulty, Question
from .draws import bits, unit
from .popularity import Popularity
from .prompt import Message, Prompt, make_prompt
from .trace import Trace
from .workload import Workload, describe_workload


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """One call: when it starts (seconds since t = 0), what it asks, and what is expected of the reply.

    The prompt is kept as a recipe, so that an hour of traffic with long prompts stays small; `messages` makes
    the texts when the call is sent.
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

    @property
    def messages(self) -> tuple[Message, ...]:
        """(role, content) of each message, made anew at each look."""
        return self.prompt.messages

    @property
    def input_tokens(self) -> int:
        """Tokens of the prompt by `count_tokens`."""
        return self.prompt.input_tokens

    @property
    def output_tokens(self) -> int:
        """Tokens of reply that the prompt asks for."""
        return self.prompt.output_tokens


def make_plan(
    arrivals: Arrivals, workload: Workload, seed: int, duration_s: float, trace: Trace | None = None
) -> list[PlannedCall]:
    """The calls that start in [0, duration_s), in order.

    Without a trace, `fresh_share` of the calls bring notes and lengths of their own; the others ask a
    question's one prompt, so that an exact cache can hit. With a trace, every call takes the recorded call's
    input and output lengths, so prompts repeat only when lengths and question do.
    Raises InputError when the kind of arrivals is "trace" and there is none, or the reverse.
    """
    times = arrival_times(arrivals, seed, duration_s, trace)
    options = workload.options
    popularity = Popularity(workload.questions, options.zipf_s, seed)
    prompts = _Prompts(workload, seed)
    calls: list[PlannedCall] = []
    for n, at_s in enumerate(times):
        question = popularity.question_at(unit(seed, "question", n))
        if trace is not None:
            prompt = prompts.sized(question, trace.rows[n].input_tokens, trace.rows[n].output_tokens)
        elif unit(seed, "fresh", n) < options.fresh_share:
            prompt = prompts.fresh(question, n)
        else:
            prompt = prompts.of(question)
        calls.append(
            PlannedCall(
                n=n,
                call_id=f"c{n:06d}",
                at_s=at_s,
                tenant=f"tenant-{1 + int(unit(seed, 'tenant', n) * options.tenants)}",
                question_id=question.id,
                difficulty=question.difficulty,
                prompt=prompt,
                expected=question.answer,
                max_tokens=options.max_tokens,
                stream=options.stream,
            )
        )
    return calls


def describe(arrivals: Arrivals, workload: Workload, trace: Trace | None = None) -> tuple[str, str]:
    """(arrivals, workload) in words, for the report's method section."""
    return describe_arrivals(arrivals, trace), describe_workload(workload, trace)


class _Prompts:
    """Prompts of one plan, each recipe made once."""

    def __init__(self, workload: Workload, seed: int) -> None:
        self._workload = workload
        self._seed = seed
        self._of_question: dict[str, Prompt] = {}

    def of(self, question: Question) -> Prompt:
        """The question's own prompt, of the lengths drawn for it."""
        prompt = self._of_question.get(question.id)
        if prompt is None:
            prompt = self.sized(question, *self._workload.lengths.of(self._seed, question.id))
            self._of_question[question.id] = prompt
        return prompt

    def fresh(self, question: Question, n: int) -> Prompt:
        """A prompt that no other call has: lengths and notes are drawn for call `n`."""
        return self.sized(question, *self._workload.lengths.of(self._seed, f"call {n}"), n)

    def sized(self, question: Question, input_tokens: int, output_tokens: int, *own: int) -> Prompt:
        """The question's prompt of these lengths, or, with `own`, one that is that call's alone."""
        options = self._workload.options
        output_tokens = min(max(1, output_tokens), options.max_output_tokens)
        key = bits(self._seed, "prompt", question.id, input_tokens, output_tokens, *own)
        return make_prompt(options.system_prompt, question.question, input_tokens, output_tokens, key)
