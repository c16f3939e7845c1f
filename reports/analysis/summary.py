"""`summary.json` as a frozen value: each subject's metrics and intervals, the claims, the run's validity."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..metrics import Plain
from ..metrics.basis.differences import Difference
from ..record.manifest import Calibration
from ..record.schema import SCHEMA_VERSION
from ..record.tables import RecordError
from .claims import ClaimResult
from .subject import SubjectSummary, metric_value
from .validity import Reason, Validity


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything derived from a run. `subjects` are in the manifest's order; the first is the baseline."""

    scenario: str
    engine: str
    seed: int | None
    status: str
    validity: Validity
    record_sha256: str
    subjects: Mapping[str, SubjectSummary]
    claims: tuple[ClaimResult, ...] = ()

    @property
    def names(self) -> list[str]:
        return list(self.subjects)

    @property
    def valid(self) -> bool:
        return self.validity.verdict != "INVALID"

    def value(self, subject: str, metric: str) -> float | None:
        """A metric as a number; see `metric_value` for `group.key` names."""
        return metric_value(self.subjects, subject, metric)

    def as_json(self) -> dict[str, Any]:
        """The JSON object of `summary.json`; +inf is null and its metric listed under `unbounded`."""
        subjects = self.subjects
        return {
            "schema_version": SCHEMA_VERSION,
            "scenario": self.scenario,
            "engine": self.engine,
            "seed": self.seed,
            "status": self.status,
            "valid": self.valid,
            "validity": {
                "verdict": self.validity.verdict,
                "reasons": list(map(asdict, self.validity.reasons)),
            },
            "record_sha256": self.record_sha256,
            "subjects": {name: _finite(of.metrics) for name, of in subjects.items()},
            "unbounded": {name: of.unbounded for name, of in subjects.items()},
            "intervals": {
                name: {metric: list(ends) for metric, ends in of.intervals.items()}
                for name, of in subjects.items()
            },
            "no_interval": {name: dict(of.no_interval) for name, of in subjects.items()},
            "differences": {
                name: {
                    "baseline": of.baseline,
                    **{metric: _difference(d) for metric, d in of.differences.items()},
                }
                for name, of in subjects.items()
                if of.baseline is not None
            },
            "calibration": {name: of.calibration.model_dump() for name, of in subjects.items()},
            "claims": list(map(asdict, self.claims)),
        }


def read_summary(path: Path | str) -> Summary:
    """Read a `summary.json`; `RecordError` of one line if it is none. Unknown keys are ignored."""
    try:
        return _summary(json.loads(Path(path).read_text("utf-8")))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RecordError(f"{path}: not a readable JSON file: {error}") from None
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise RecordError(f"{path}: not a summary of a run: {type(error).__name__} {error}") from None


def _summary(raw: Mapping[str, Any]) -> Summary:
    validity = raw["validity"]
    reasons = tuple(Reason(each["level"], each["subject"], each["text"]) for each in validity["reasons"])
    fields = ClaimResult.__dataclass_fields__
    return Summary(
        raw["scenario"],
        raw["engine"],
        raw["seed"],
        raw["status"],
        Validity(validity["verdict"], reasons),
        raw["record_sha256"],
        {name: _subject(raw, name) for name in raw["subjects"]},
        tuple(ClaimResult(**{key: claim[key] for key in fields if key in claim}) for claim in raw["claims"]),
    )


def _subject(raw: Mapping[str, Any], name: str) -> SubjectSummary:
    unbounded = dict.fromkeys(raw["unbounded"][name], math.inf)
    differences = dict(raw["differences"].get(name, {}))
    baseline = differences.pop("baseline", None)
    return SubjectSummary(
        name,
        {metric: unbounded.get(metric, value) for metric, value in raw["subjects"][name].items()},
        {metric: (ends[0], ends[1]) for metric, ends in raw["intervals"][name].items()},
        Calibration(**raw["calibration"][name]),
        baseline,
        {
            metric: Difference(
                each["difference"],
                None if each["interval"] is None else (each["interval"][0], each["interval"][1]),
                each.get("why", ""),
            )
            for metric, each in differences.items()
        },
        raw.get("no_interval", {}).get(name, {}),
    )


def _finite(metrics: Mapping[str, Plain]) -> dict[str, Plain]:
    return {name: None if value == math.inf else value for name, value in metrics.items()}


def _difference(of: Difference) -> dict[str, Any]:
    interval = None if of.interval is None else list(of.interval)
    found = {"difference": of.difference, "interval": interval}
    if of.interval is None:
        return found | {"why": of.why}
    return found | {"least": of.least, "found_with_power_80": of.found_with(0.8)}
