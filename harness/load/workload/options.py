"""The options of a scenario's `[workload]`, and the workload that they load."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from harness.errors import InputError

from ..strict import StrictModel
from ..trace import Trace
from .catalogue import Question, load_catalogue
from .halves import Half, in_half
from .handbook import handbook
from .lengths import LENGTHS, Lengths, LengthsName
from .questions import Burst, Share, groups_of
from .questions_csv import read_questions_csv
from .sessions import SessionOptions

SYSTEM_PROMPT = (
    "You are the assistant of a support desk. Use the notes if they help, "
    "answer the question first, and say so when you are not sure."
)
Count = Annotated[int, Field(gt=0, le=1_000_000)]


class WorkloadOptions(StrictModel):
    """The keys of `[workload]`, all optional.

    | key | default | meaning |
    | --- | --- | --- |
    | `catalogue` | "catalogue.jsonl" | questions file, beside the scenario or else a shipped one |
    | `half` | "all" | only the "train" or the "test" half of the questions (see `halves.py`) |
    | `fresh_share` | 0.8 | share of calls with notes and lengths of their own, 0 to 1 (a choice, no source) |
    | `zipf_s` | 1.0 | exponent of the questions' popularity, 0 to 10; 0: uniform |
    | `lengths` | "azure-conversation" | token lengths of questions, a key of `LENGTHS`; unused with a trace |
    | `system_prompt` | a short one | the system message; "" sends none |
    | `tenants` | 1 | number of tenants, "tenant-1" on; calls are spread evenly |
    | `max_tokens` | 1024 | the limit sent with each request, in tokens |
    | `max_output_tokens` | 1024 | longest planned reply, in tokens; above `max_tokens` replies are cut |
    | `stream` | true | whether replies are streamed |
    | `temperature` | none | sent with each request, 0 to 2; Python clients do not get it |
    | `paraphrase_share` | 0 | share of calls that use a paraphrase of the question, if it has one |
    | `confusable_share` | 0 | share of calls drawn from the questions that are easily confused |
    | `notes` | true | whether prompts are lengthened by notes; without, `fresh_share` must be 0 |
    | `reply_tokens` | none | tokens of reply that every prompt asks for; none: drawn by `lengths` |
    | `system_prompt_tokens` | none | the system message is extended by a handbook to so many tokens |
    | `sessions` | none | each arrival is a conversation: `SessionOptions` |
    | `bursts` | none | times in which all calls ask the same: `Burst` |
    """

    catalogue: Annotated[str, Field(min_length=1)] = "catalogue.jsonl"
    half: Half = "all"
    fresh_share: Share = 0.8
    zipf_s: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] = 1.0
    lengths: LengthsName = "azure-conversation"
    system_prompt: str = SYSTEM_PROMPT
    tenants: Count = 1
    max_tokens: Count = 1_024
    max_output_tokens: Count = 1_024
    stream: bool = True
    temperature: Annotated[float | None, Field(ge=0, le=2, allow_inf_nan=False)] = None
    paraphrase_share: Share = 0.0
    confusable_share: Share = 0.0
    notes: bool = True
    reply_tokens: Count | None = None
    system_prompt_tokens: Annotated[int | None, Field(gt=0, le=200_000)] = None
    sessions: SessionOptions | None = None
    bursts: Annotated[tuple[Burst, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _fresh_calls_have_notes(self) -> "WorkloadOptions":
        if not self.notes and self.fresh_share:
            raise ValueError(
                "notes: expected fresh_share = 0 with notes = false, because fresh calls need notes"
            )
        return self


@dataclass(frozen=True, slots=True)
class Workload:
    """The options with their questions; `catalogue` is the file of the questions."""

    options: WorkloadOptions
    questions: tuple[Question, ...]
    catalogue: Path

    @property
    def lengths(self) -> Lengths:
        return LENGTHS[self.options.lengths]

    @property
    def system_prompt(self) -> str:
        """The system message of every call, "" for none."""
        options = self.options
        if options.system_prompt_tokens is None:
            return options.system_prompt
        return handbook(options.system_prompt, options.system_prompt_tokens)


def load_workload(
    options: WorkloadOptions, folder: Path | None = None, questions: Path | None = None
) -> Workload:
    """Read the catalogue: from `folder` (the scenario's) if it is there, else from the project's workloads.

    `questions` is a file to read instead; if it has no groups, `confusable_share` is ignored.

    Raises InputError, one line, when the file does not exist or is no catalogue, or when `confusable_share`
    is set and the catalogue has no groups.
    """
    if questions is not None:
        read = read_questions(questions)
        if not groups_of(read):
            options = options.model_copy(update={"confusable_share": 0.0})
        return Workload(options, read, questions)
    own = Path(str(files("scenarios"))) / "workloads"
    folders = [own] if folder is None else [folder, own]
    for place in folders:
        path = place / options.catalogue
        if path.is_file():
            read = in_half(read_questions(path), options.half)
            if not read:
                raise InputError(f"{path}: expected questions of the {options.half} half, found none")
            if options.confusable_share and not groups_of(read):
                raise InputError(
                    f"workload.confusable_share: expected questions with groups in {path}, got none"
                )
            return Workload(options, read, path)
    places = " or ".join(str(place) for place in folders)
    raise InputError(f'workload.catalogue: expected a file in {places}, got "{options.catalogue}"')


def read_questions(path: Path) -> tuple[Question, ...]:
    """Read a CSV (by its suffix) or a catalogue. Raises InputError, one line."""
    return read_questions_csv(path) if path.suffix.lower() == ".csv" else load_catalogue(path)


def describe_workload(workload: Workload, trace: Trace | None = None) -> str:
    """The workload in one sentence, for the report."""
    options = workload.options
    popularity = f"Zipf popularity (s = {options.zipf_s:g})" if options.zipf_s else "uniform popularity"
    if not options.notes:
        lengths = "no notes, repeats of a question's wording are the same prompt"
    elif trace is None:
        lengths = (
            f"{options.fresh_share:.0%} of calls have notes of their own, "
            "the others repeat a question's prompt; "
            f"token lengths {workload.lengths.source}"
        )
    else:
        lengths = f"token lengths of each call from {trace.name}"
    tenants = f"{options.tenants} tenants" if options.tenants > 1 else "1 tenant"
    extras = "".join(f"; {extra}" for extra in _extras(workload))
    half = "" if options.half == "all" else f"the {options.half} half, "
    return (
        f"{half}{len(workload.questions)} questions of {workload.catalogue.name}, {popularity}; {lengths}; "
        f"planned replies up to {options.max_output_tokens:,} tokens, max_tokens {options.max_tokens:,}, "
        f"{'streamed' if options.stream else 'not streamed'}; {tenants}{extras}"
    )


def _extras(workload: Workload) -> Iterator[str]:
    """Phrases for options that are in use."""
    options = workload.options
    if options.paraphrase_share:
        yield f"{options.paraphrase_share:.0%} of calls ask in another wording"
    if options.confusable_share:
        yield f"{options.confusable_share:.0%} ask questions that are easily confused"
    if options.reply_tokens is not None:
        yield f"every prompt asks for a reply of {options.reply_tokens:,} tokens"
    if options.system_prompt_tokens is not None:
        yield f"a system prompt of {options.system_prompt_tokens:,} tokens"
    if options.temperature is not None:
        yield f"temperature {options.temperature:g}"
    if options.sessions is not None:
        sessions = options.sessions
        yield f"sessions of {sessions.turns} turns, {sessions.think_s:g} s apart on average"
        if sessions.history_turns:
            yield f"each starts with {sessions.history_turns} earlier turns"
    for burst in options.bursts:
        yield f"{burst.share:.0%} of calls from {burst.from_s:g} to {burst.to_s:g} s ask the same"
