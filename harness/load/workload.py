"""What calls ask for: the options of a scenario's `[workload]`, and the workload they load."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from harness.errors import InputError

from .catalogue import Question, load_catalogue
from .halves import Half, in_half
from .lengths import LENGTHS, Lengths, LengthsName
from .trace import Trace

SYSTEM_PROMPT = (
    "You are the assistant of a support desk. Use the notes if they help, "
    "answer the question first, and say so when you are not sure."
)
Count = Annotated[int, Field(gt=0, le=1_000_000)]


class WorkloadOptions(BaseModel):
    """The keys of `[workload]`, all optional.

    | key | default | meaning |
    | --- | --- | --- |
    | `catalogue` | "catalogue.jsonl" | questions file, beside the scenario or else the one that comes along |
    | `half` | "all" | only the "train" or the "test" half of the questions (see `halves.py`) |
    | `fresh_share` | 0.8 | share of calls with notes and lengths of their own, 0 to 1 (a choice, unsourced) |
    | `zipf_s` | 1.0 | exponent of the questions' popularity, 0 to 10; 0: all alike |
    | `lengths` | "azure-conversation" | token lengths of questions, a key of `LENGTHS`; a trace prevails |
    | `system_prompt` | a short one | the system message; "" sends none |
    | `tenants` | 1 | each call belongs to one of so many, "tenant-1" on, all alike |
    | `max_tokens` | 1024 | the limit sent with each request, in tokens |
    | `max_output_tokens` | 1024 | no planned reply is longer, in tokens; above `max_tokens` they are cut |
    | `stream` | true | whether replies are streamed |
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    catalogue: Annotated[str, Field(min_length=1)] = "catalogue.jsonl"
    half: Half = "all"
    fresh_share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.8
    zipf_s: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] = 1.0
    lengths: LengthsName = "azure-conversation"
    system_prompt: str = SYSTEM_PROMPT
    tenants: Count = 1
    max_tokens: Count = 1_024
    max_output_tokens: Count = 1_024
    stream: bool = True


@dataclass(frozen=True, slots=True)
class Workload:
    """The options with their questions read; `catalogue` is the file that they came from."""

    options: WorkloadOptions
    questions: tuple[Question, ...]
    catalogue: Path

    @property
    def lengths(self) -> Lengths:
        return LENGTHS[self.options.lengths]


def load_workload(options: WorkloadOptions, folder: Path | None = None) -> Workload:
    """Read the catalogue: from `folder` (the scenario's) if it is there, else from the project's workloads.

    Raises InputError, one line, when it is in neither place or is no catalogue.
    """
    own = Path(str(files("scenarios"))) / "workloads"
    folders = [own] if folder is None else [folder, own]
    for place in folders:
        path = place / options.catalogue
        if path.is_file():
            questions = in_half(load_catalogue(path), options.half)
            if not questions:
                raise InputError(f"{path}: expected questions of the {options.half} half, found none")
            return Workload(options, questions, path)
    places = " or ".join(str(place) for place in folders)
    raise InputError(f'workload.catalogue: expected a file in {places}, got "{options.catalogue}"')


def describe_workload(workload: Workload, trace: Trace | None = None) -> str:
    """The workload in one sentence, for people."""
    options = workload.options
    popularity = f"Zipf popularity (s = {options.zipf_s:g})" if options.zipf_s else "all equally popular"
    if trace is None:
        lengths = (
            f"{options.fresh_share:.0%} of calls bring notes of their own, "
            "the others repeat a question's prompt; "
            f"token lengths {workload.lengths.source}"
        )
    else:
        lengths = f"token lengths of each call from {trace.name}"
    tenants = f"{options.tenants} tenants" if options.tenants > 1 else "1 tenant"
    half = "" if options.half == "all" else f"the {options.half} half, "
    return (
        f"{half}{len(workload.questions)} questions of {workload.catalogue.name}, {popularity}; {lengths}; "
        f"planned replies up to {options.max_output_tokens:,} tokens, max_tokens {options.max_tokens:,}, "
        f"{'streamed' if options.stream else 'not streamed'}; {tenants}"
    )
