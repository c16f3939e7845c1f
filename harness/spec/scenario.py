"""A scenario: traffic + workload + providers + faults + subjects + claims, as its TOML file says it."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from mock_providers import Fault

from ..errors import InputError
from ..load.arrivals import Arrivals
from ..load.workload.options import WorkloadOptions
from ..stack.core.options import first_complaint

Engine = Literal["locust", "virtual"]
Seconds = Annotated[float, Field(gt=0, le=7 * 86_400, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Slo(_Strict):
    """What a user would call good: first token and whole reply within these seconds of the planned start."""

    ttft_s: Seconds = 2.0
    e2e_s: Seconds = 30.0


class Claim(_Strict):
    """A sentence that a run confirms or refutes: `metric` of `subject` is `expected`, e.g. ">= 0.999"."""

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


class Scenario(_Strict):
    """The keys of a scenario file.

    | key | default | meaning |
    | --- | --- | --- |
    | `title`, `description` | required | a line and a paragraph for the report |
    | `engine` | "locust" | where it is played: "locust" (real sockets) or "virtual" (virtual time) |
    | `duration_s` | required | length of the arrival plan in seconds |
    | `drain_s` | 60 | how long the last calls may take after it |
    | `warmup_s` | 0 | calls planned before this are left out of the metrics |
    | `seed` | 7 | decides every draw: plan, provider luck, jitter |
    | `profile` | "page" | the providers' profile: a name or a path |
    | `subjects` | required | what is compared, in order: stacks and clients, by name or path |
    | `via` | "direct" | in virtual time: "gateway" puts each stack's gateway in the path, as Locust does |
    | `[arrivals]` | required | when calls start |
    | `[workload]` | the catalogue | what they ask |
    | `[[faults]]` | none | what goes wrong, and when |
    | `[slo]` | 2 s, 30 s | what counts as good |
    | `[[claims]]` | none | what the run is to confirm or refute |
    """

    title: str
    description: str
    engine: Engine = "locust"
    duration_s: Seconds
    drain_s: Seconds = 60.0
    warmup_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    seed: Annotated[int, Field(ge=0)] = 7
    profile: str = "page"
    via: Literal["direct", "gateway"] = "direct"
    subjects: Annotated[tuple[str, ...], Field(min_length=1, max_length=6)]
    arrivals: Arrivals
    workload: WorkloadOptions = WorkloadOptions()
    faults: tuple[Fault, ...] = ()
    slo: Slo = Slo()
    claims: tuple[Claim, ...] = ()


def load_scenario(path: Path) -> Scenario:
    """Read a scenario file. Raises InputError with one line: file, key, what was expected."""
    return parse_scenario(_read_toml(path), str(path))


def parse_scenario(values: dict[str, Any], where: str) -> Scenario:
    """The scenario in `values`; `where` names their origin in errors."""
    try:
        return Scenario.model_validate(values)
    except ValidationError as error:
        raise InputError(f"{where}: {first_complaint(error, values)}") from error


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid TOML: {error}") from error
