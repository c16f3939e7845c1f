"""The manifest of a run: what is played, on which host, with which versions."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from mock_providers import load_profile
from reports.record.manifest import Claim, Fault, Host, Limit, Manifest, Slo, Subject
from reports.record.planned import PlanRow, plan_sha256
from reports.record.this_machine import this_machine, version_of

from ..calibration.kept import calibration_file, kept_calibration
from ..load.plan import PlannedCall, describe
from ..spec.replaced import why_not_judged
from ..spec.run_spec import RunSpec

VERSIONS_OF = ("brownout", "locust", "httpx", "httpx-aiohttp", "aiohttp", "uvicorn", "numpy", "pandas")

PER_MINUTE = (
    "requests_per_min",
    "tokens_per_min",
    "input_tokens_per_min",
    "output_tokens_per_min",
    "burst_s",
)


def manifest(spec: RunSpec, played: list[str], run_id: str, started_at: datetime) -> Manifest:
    """The manifest of the subjects in `played`, without the run's status, generator and calibration."""
    scenario = spec.scenario
    arrivals, workload = describe(scenario.arrivals, spec.workload, spec.trace)
    via = {subject.name: spec.via(subject) for subject in spec.subjects}
    on_sockets = spec.engine == "locust"
    digest = plan_sha256(plan_row(call) for call in spec.plan)
    return Manifest(
        id=run_id,
        scenario=spec.name,
        title=spec.title,
        description=spec.description,
        engine=spec.engine,
        seed=spec.seed,
        duration_s=spec.duration_s,
        started_at=started_at.astimezone(UTC).isoformat(timespec="seconds"),
        command=spec.command,
        versions={"python": platform.python_version(), **{name: version_of(name) for name in VERSIONS_OF}},
        host=Host(cpus=os.cpu_count(), platform=platform.platform()),
        git_revision=_git_revision(),
        profile=scenario.profile,
        arrivals=arrivals,
        workload=workload,
        trace=spec.trace.read if spec.trace else None,
        max_tokens=spec.workload.options.max_tokens,
        limits=_limits(scenario.profile),
        warmup_s=scenario.warmup_s,
        subjects=tuple(
            Subject(
                name=subject.name,
                title=subject.title or subject.name,
                description=subject.description,
                stack=subject.path.name,
                via=via[subject.name],
                planned=len(spec.plan),
                plan_sha256=digest,
            )
            for subject in spec.subjects
            if subject.name in played
        ),
        faults=tuple(map(Fault.model_validate, spec.faults)),
        slo=Slo.model_validate(scenario.slo.model_dump()),
        claims=tuple(
            Claim.model_validate(
                claim.model_dump() | {"not_judged": why_not_judged(claim, spec.replaced, spec.strangers)}
            )
            for claim in spec.claims
            if claim.subject in played
        ),
        machine=this_machine() if on_sockets else None,
        machine_calibration=kept_calibration(calibration_file(os.environ)) if on_sockets else None,
    )


def plan_row(call: PlannedCall) -> PlanRow:
    """A planned call as the plan's digest counts it."""
    return PlanRow(call.n, call.call_id, call.at_s, call.tenant, call.question_id, call.input_tokens)


def _limits(profile: str) -> tuple[Limit, ...]:
    """The providers' limits per minute, by model, of a key and of its organisation."""
    return tuple(
        Limit.model_validate(
            {"provider": name, "model": id_, "scope": scope} | limits.model_dump(include=set(PER_MINUTE))
        )
        for name, provider in load_profile(profile).providers.items()
        for id_, model in provider.models.items()
        for scope, limits in (("key", model.limits), ("organization", model.organization_limits))
        if limits is not None and any(getattr(limits, limit) for limit in PER_MINUTE if limit != "burst_s")
    )


def _git_revision() -> str | None:
    """The revision of the project's own checkout, with `-dirty` if it has changes; None when installed."""
    here = Path(__file__).parent
    git = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        found = subprocess.run(git, capture_output=True, text=True, timeout=5, check=True)
        tracked = subprocess.run(
            ["git", "-C", str(here), "ls-files", "--error-unmatch", __file__],
            capture_output=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip() if tracked.returncode == 0 else None
