"""A run with all its files read and checked; after `make_spec` no input error is possible."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mock_providers import Catalogue, FaultError, check_faults, load_incident, load_profile

from ..errors import InputError
from ..load.draws import unit
from ..load.plan import PlannedCall, make_plan
from ..load.trace import Trace
from ..load.workload.options import Workload, load_workload
from .answers import catalogue_of
from .limits import check_length, unmet_faults
from .replaced import replaced_inputs, strangers
from .run_options import RunOptions
from .scenario import Claim, Engine, Scenario, load_scenario
from .shipped import find_file
from .subject import Subject
from .subjects import load_subjects
from .traces import load_trace, played_duration_s, with_trace_options

OTHER_INPUTS = "The scenario's own title, description and claims are about other inputs."


@dataclass(frozen=True, slots=True)
class RunSpec:
    """A scenario with the run's options applied. `warnings`: sentences about faults that no call can meet.
    `replaced`: inputs that the options replace; `strangers`: subjects that are not the scenario's own.
    """

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
    warnings: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    strangers: frozenset[str] = frozenset()

    @property
    def title(self) -> str:
        """The scenario's title; where the options replace its inputs, its name and what was played."""
        return f"{self.name} with {' and '.join(self.replaced)}" if self.replaced else self.scenario.title

    @property
    def description(self) -> str:
        """The scenario's description, as far as it describes what is played."""
        return OTHER_INPUTS if self.replaced else self.scenario.description

    @property
    def faults(self) -> list[dict[str, Any]]:
        """The fault schedule in the format of the providers' admin API."""
        return [fault.model_dump(mode="json") for fault in self.scenario.faults]

    def via(self, subject: Subject) -> str:
        """How calls reach the subject: "gateway", or "direct" (in process)."""
        behind_gateway = self.engine == "locust" or self.scenario.via == "gateway"
        return "gateway" if behind_gateway and subject.client is None else "direct"

    def draw_seed(self, subject: Subject) -> int:
        """The seed of providers and stack while they serve this subject; the plan has the run's."""
        if not subject.draws:
            return self.seed
        return int(unit(self.seed, "draws", subject.draws) * 2**31)

    @property
    def claims(self) -> tuple[Claim, ...]:
        """The claims about subjects of this run; `why_not_judged` says which say nothing about it."""
        names = [subject.name for subject in self.subjects]
        return tuple(claim for claim in self.scenario.claims if claim.subject in names)


def make_spec(options: RunOptions) -> RunSpec:
    """Read and check every file that a run needs. Raises InputError or ConfigError, one line."""
    path = find_file("scenarios", options.scenario)
    scenario = _with_incident(load_scenario(path), options.incident)
    scenario = with_trace_options(path, scenario, options)
    engine = options.engine or scenario.engine
    subjects = _subjects(path, scenario, options.stacks, engine)
    if options.aa:
        subjects = (subjects[0], subjects[0].again())
    _check_faults(path, scenario)
    seed = scenario.seed if options.seed is None else options.seed
    duration_s = options.duration_s or scenario.duration_s
    workload = load_workload(scenario.workload, path.parent, options.questions)
    check_length(path, scenario.arrivals, duration_s, scenario.warmup_s)
    trace = load_trace(path, scenario, seed, duration_s)
    duration_s = played_duration_s(scenario, duration_s, trace)
    plan = make_plan(scenario.arrivals, workload, seed, duration_s, trace)
    if not plan:
        raise InputError(f"{path}: expected a longer duration, no call starts in {duration_s:g} s")
    if plan[-1].at_s < scenario.warmup_s:
        raise InputError(f"{path}: warmup_s: expected less, no call starts after {scenario.warmup_s:g} s")
    spec = RunSpec(
        name=path.stem,
        scenario=scenario,
        engine=engine,
        seed=seed,
        duration_s=duration_s,
        subjects=subjects,
        workload=workload,
        answers=catalogue_of(workload),
        trace=trace,
        plan=tuple(plan),
        command=options.command,
        replaced=replaced_inputs(scenario, options),
        strangers=strangers(scenario, options, subjects),
    )
    return replace(spec, warnings=tuple(unmet_faults(spec.faults, spec.plan)))


def _with_incident(scenario: Scenario, incident: str | None) -> Scenario:
    if incident is None:
        return scenario
    faults = (*scenario.faults, *load_incident(incident).faults)
    return scenario.model_copy(update={"faults": faults})


def _subjects(path: Path, scenario: Scenario, stacks: tuple[str, ...], engine: Engine) -> tuple[Subject, ...]:
    """The subjects of the run: `stacks` if any are named, else the scenario's own."""
    subjects = load_subjects(path, scenario, stacks)
    names = [subject.name for subject in subjects]
    for n, claim in enumerate(scenario.claims):
        if not stacks and claim.subject not in names:
            raise InputError(f"{path}: claims.{n}.subject: expected one of {', '.join(names)}")
    for subject in subjects:
        if subject.client is not None and engine == "locust":
            raise InputError(f"{path}: {subject.name} is a Python client, expected --engine virtual for it")
    return subjects


def _check_faults(path: Path, scenario: Scenario) -> None:
    try:
        check_faults(scenario.faults, load_profile(scenario.profile))
    except FaultError as error:
        raise InputError(f"{path}: {error}") from error
