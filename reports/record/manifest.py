"""What `run.json` must say: checked once at the edge, so that no later code has to doubt it."""

import math
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from .expectation import Expectation
from .schema import SCHEMA_VERSION
from .tables import RecordError


class _Open(BaseModel):
    """Keys that reports do not read are kept as they are: a manifest may say more than a page shows."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)


class Subject(_Open):
    name: str = Field(min_length=1)
    title: str = ""
    stack: str | None = None
    via: str | None = None


class Fault(_Open):
    """`to_s` null: until the end of the run. `provider` null: every provider. `probability`: of requests."""

    kind: str
    provider: str | None = None
    model: str | None = None
    from_s: float = 0.0
    to_s: float | None = None
    probability: float = Field(default=1.0, ge=0.0, le=1.0)

    @field_validator("from_s", "probability", mode="before")
    @classmethod
    def _unsaid(cls, value: Any, field: ValidationInfo) -> Any:
        return value if value is not None else cls.model_fields[str(field.field_name)].default

    @field_validator("to_s", mode="before")
    @classmethod
    def _endless(cls, value: Any) -> Any:
        return None if isinstance(value, float) and math.isinf(value) else value


class Slo(_Open):
    """Bounds a good call keeps, both counted from its planned start; null: not promised."""

    ttft_s: float | None = Field(default=None, gt=0)
    e2e_s: float | None = Field(default=None, gt=0)


class Limit(_Open):
    """A provider's own limits of a model, per minute; null: there is none. `scope`: whose requests count
    together, those of one API key or those of its organisation. `burst_s`: how many seconds' worth of it a
    full bucket holds."""

    provider: str
    model: str
    scope: Literal["key", "organization"] = "key"
    requests_per_min: int | None = Field(default=None, gt=0)
    tokens_per_min: int | None = Field(default=None, gt=0)
    input_tokens_per_min: int | None = Field(default=None, gt=0)
    output_tokens_per_min: int | None = Field(default=None, gt=0)
    burst_s: float = Field(default=60.0, gt=0)


class Claim(_Open):
    text: str
    subject: str
    metric: str
    expected: str

    @field_validator("expected")
    @classmethod
    def _readable(cls, value: str) -> str:
        Expectation.parse(value)
        return value


class Host(_Open):
    cpus: int | None = None
    platform: str | None = None


class Manifest(_Open):
    schema_version: Literal[1] = 1
    id: str = ""
    scenario: str
    title: str = ""
    description: str = ""
    engine: str = "unknown"
    seed: int | None = None
    duration_s: float | None = Field(default=None, ge=0)
    started_at: str | None = None
    command: str | None = None
    versions: dict[str, str | None] = Field(default_factory=dict)
    host: Host = Host()
    git_revision: str | None = None
    status: Literal["complete", "partial"] = "complete"
    status_reason: str | None = None
    profile: str | None = None
    arrivals: str | None = None
    workload: str | None = None
    max_tokens: int | None = Field(default=None, gt=0)
    limits: list[Limit] = Field(default_factory=list)
    warmup_s: float = Field(default=0.0, ge=0)
    subjects: list[Subject] = Field(min_length=1)
    faults: list[Fault] = Field(default_factory=list)
    slo: Slo = Slo()
    claims: list[Claim] = Field(default_factory=list)
    generator: dict[str, dict[str, Any]] = Field(default_factory=dict)
    calibration: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @field_validator("subjects")
    @classmethod
    def _distinct(cls, value: list[Subject]) -> list[Subject]:
        names = [subject.name for subject in value]
        if len(set(names)) < len(names):
            raise ValueError("subject names must differ")
        return value

    @field_validator("slo", "host", mode="before")
    @classmethod
    def _absent(cls, value: Any) -> Any:
        return {} if value is None else value


def checked_manifest(raw: Any, source: str) -> dict[str, Any]:
    """The manifest with every default filled in; `RecordError` naming `source`, the key and what is wrong."""
    if not isinstance(raw, Mapping):
        raise RecordError(f"{source}: expected a JSON object, found {type(raw).__name__}")
    version = raw.get("schema_version", SCHEMA_VERSION)
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise RecordError(
            f"{source}: schema_version {version} is newer than {SCHEMA_VERSION}, the newest known here"
        )
    try:
        return Manifest.model_validate(raw).model_dump(mode="json")
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise RecordError(f"{source}: {key}: {first['msg']}") from None
