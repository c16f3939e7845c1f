"""A scenario file: traffic + workload + providers + faults + subjects + claims."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator

from mock_providers import Fault

from ..errors import InputError
from ..load.arrivals import Arrivals
from ..load.strict import StrictModel
from ..load.workload.options import WorkloadOptions
from ..stack.config.options import first_complaint
from ..stack.config.toml_file import read_toml

Engine = Literal["locust", "virtual"]
Seconds = Annotated[float, Field(gt=0, le=7 * 86_400, allow_inf_nan=False)]


def _checked_entry(entry: Any) -> Any:
    """A text, or a table with a name that can be a file's."""
    if isinstance(entry, str):
        return entry
    if not isinstance(entry, dict):
        raise ValueError("expected a stack's name, a path or a table with a name")  # noqa: TRY004  # pydantic's
    name = entry.get("name", entry.get("base"))
    if not isinstance(name, str) or ("name" in entry and not re.fullmatch(r"\w[\w.-]*", name)):
        raise ValueError(f"expected a name of letters, digits, dots and dashes, or a base; got {name!r}")
    return entry


SubjectEntry = Annotated[str | dict[str, Any], BeforeValidator(_checked_entry)]
"""A name or a path; or a stack's tables with `name`, `base` and `without`."""


class Slo(StrictModel):
    """The service level objective: seconds from the planned start to the first token, and to the end."""

    ttft_s: Seconds = 2.0
    e2e_s: Seconds = 30.0


class Claim(StrictModel):
    """A statement that a run confirms or refutes: `metric` of `subject` is `expected`, e.g. ">= 0.999"."""

    text: str
    subject: str
    metric: str
    expected: str

    @field_validator("expected")
    @classmethod
    def _readable(cls, value: str) -> str:
        from reports.record.expectation import Expectation

        Expectation.parse(value)
        return value


class Scenario(StrictModel):
    """The keys of a scenario file.

    | key | default | meaning |
    | --- | --- | --- |
    | `title`, `description` | required | a line and a paragraph for the report |
    | `engine` | "locust" | "locust" (real sockets) or "virtual" (virtual time) |
    | `duration_s` | required | length of the arrival plan in seconds |
    | `drain_s` | 60 | how long the last calls may take after it |
    | `warmup_s` | 0 | calls planned before this are left out of the metrics |
    | `seed` | 7 | decides every draw: plan, provider luck, jitter |
    | `profile` | "typical" | the providers' profile: a name or a path |
    | `subjects` | required | 1 to 6 subjects, in order: names, paths, or tables |
    | `via` | "direct" | in virtual time: "gateway" puts each stack's gateway in the path, as Locust does |
    | `[arrivals]` | required | when calls start |
    | `[workload]` | the catalogue | what they ask |
    | `[[faults]]` | none | what goes wrong, and when |
    | `[slo]` | 2 s, 30 s | the service level objective |
    | `[[claims]]` | none | statements for the run to confirm or refute |

    A subject's table has a `name` (default: its base's), a `base` (a shipped stack, another subject of the
    scenario, or the path of a stack file from the scenario's folder), `without` (tables of the base to leave
    out), and any table of a stack file, merged into the base's.
    """

    title: str
    description: str
    engine: Engine = "locust"
    duration_s: Seconds
    drain_s: Seconds = 60.0
    warmup_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    seed: Annotated[int, Field(ge=0)] = 7
    profile: str = "typical"
    via: Literal["direct", "gateway"] = "direct"
    subjects: Annotated[tuple[SubjectEntry, ...], Field(min_length=1, max_length=6, strict=False)]
    arrivals: Arrivals
    workload: WorkloadOptions = WorkloadOptions()
    faults: Annotated[tuple[Fault, ...], Field(strict=False)] = ()
    slo: Slo = Slo()
    claims: Annotated[tuple[Claim, ...], Field(strict=False)] = ()


def load_scenario(path: Path) -> Scenario:
    """Read a scenario file. Raises InputError or ConfigError, one line: file, key, what was expected."""
    return parse_scenario(read_toml(path), str(path))


def parse_scenario(values: dict[str, Any], where: str) -> Scenario:
    """The scenario in `values`; `where` names their origin in errors."""
    try:
        return Scenario.model_validate(values)
    except ValidationError as error:
        raise InputError(f"{where}: {first_complaint(error, values)}") from error
