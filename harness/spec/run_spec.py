"""What a run is to do, all files read and checked: after this, bad input is no longer possible."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mock_providers import Catalogue, FaultError, check_faults, load_incident, load_profile

from ..errors import InputError
from ..load.plan import PlannedCall, make_plan
from ..load.trace import Trace, read_azure_trace
from ..load.workload.options import Workload, load_workload
from .answers import catalogue_of
from .scenario import Claim, Engine, Scenario, load_scenario
from .shipped import find
from .subject import Subject, load_subject


@dataclass(frozen=True, slots=True)
class RunSpec:
    """A scenario with the command line's wishes applied."""

    name: str
    scenario: Scenario
    engine: Engine
    seed: int
    duration_s: float
    subjects: tuple[Subject, ...]
    workload: Workload
    answers: Catalogue
    trace: Trace | None
    plan: tuple[PlannedCall, ...]
    command: str

    @property
    def title(self) -> str:
        """The scenario's line for people."""
        return self.scenario.title

    @property
    def faults(self) -> list[dict[str, Any]]:
        """The fault schedule as the providers' admin API takes it."""
        return [fault.model_dump(mode="json") for fault in self.scenario.faults]

    def via(self, subject: Subject) -> str:
        """How the load reaches the subject: through its gateway, or direct."""
        behind_gateway = self.engine == "locust" or self.scenario.via == "gateway"
        return "gateway" if behind_gateway and subject.client is None else "direct"

    @property
    def claims(self) -> tuple[Claim, ...]:
        """The claims about subjects that take part."""
        names = [subject.name for subject in self.subjects]
        return tuple(claim for claim in self.scenario.claims if claim.subject in names)


def make_spec(
    scenario: str,
    *,
    engine: Engine | None = None,
    seed: int | None = None,
    duration_s: float | None = None,
    stacks: tuple[str, ...] = (),
    trace: Path | None = None,
    incident: str | None = None,
    questions: Path | None = None,
    command: str = "",
) -> RunSpec:
    """Read everything a run needs. Raises InputError or ConfigError, one line.

    `scenario` and `stacks` are names or paths; `stacks`, when given, replace the scenario's subjects;
    the faults of `incident` come on top of its own; `questions` is a file of questions to ask instead.
    """
    path = find("scenarios", scenario)
    loaded = load_scenario(path)
    if incident is not None:
        faults = (*loaded.faults, *load_incident(incident).faults)
        loaded = loaded.model_copy(update={"faults": faults})
    subjects = tuple(load_subject(name, path.parent) for name in stacks or loaded.subjects)
    names = [subject.name for subject in subjects]
    if len(set(names)) < len(names):
        raise InputError(f"{path}: subjects: expected different names, got {', '.join(names)}")
    for n, claim in enumerate(loaded.claims):
        if not stacks and claim.subject not in names:
            raise InputError(f"{path}: claims.{n}.subject: expected one of {', '.join(names)}")
    if loaded.arrivals.kind == "trace" and trace is None:
        raise InputError(
            f"{path}: arrivals.kind: a trace is played, expected --trace FILE (Azure LLM inference trace, "
            "CSV with TIMESTAMP,ContextTokens,GeneratedTokens; github.com/Azure/AzurePublicDataset)"
        )
    engine = engine or loaded.engine
    _check_faults(path, loaded)
    _check_subjects(path, subjects, engine)
    seed = loaded.seed if seed is None else seed
    duration_s = loaded.duration_s if duration_s is None else duration_s
    workload = load_workload(loaded.workload, path.parent, questions)
    recorded = None if trace is None else read_azure_trace(trace)
    plan = make_plan(loaded.arrivals, workload, seed, duration_s, recorded)
    if not plan:
        raise InputError(f"{path}: expected a duration of at least one call, in {duration_s:g} s none starts")
    return RunSpec(
        name=path.stem,
        scenario=loaded,
        engine=engine,
        seed=seed,
        duration_s=duration_s,
        subjects=subjects,
        workload=workload,
        answers=catalogue_of(workload),
        trace=recorded,
        plan=tuple(plan),
        command=command,
    )


def _check_faults(path: Path, scenario: Scenario) -> None:
    try:
        check_faults(scenario.faults, load_profile(scenario.profile))
    except FaultError as error:
        raise InputError(f"{path}: {error}") from error


def _check_subjects(path: Path, subjects: tuple[Subject, ...], engine: Engine) -> None:
    for subject in subjects:
        if subject.client is not None and engine == "locust":
            raise InputError(f"{path}: {subject.name} is a Python client, expected --engine virtual for it")
