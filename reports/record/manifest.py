"""`run.json` as a frozen value, validated once when it is read or written."""

import math
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_serializer,
)

from .expectation import Expectation
from .machine import Machine, MachineCalibration
from .schema import SCHEMA_VERSION
from .tables import RecordError
from .trace_read import TraceRead
from .upgrade import upgraded

Status = Literal["complete", "partial", "broken"]


class _Open(BaseModel):
    """Keys that reports do not read are kept and written back as they are."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)


class Subject(_Open):
    """`planned`: calls of its plan, of which each has a row; `plan_sha256`: the digest of `record.planned`.
    None for a run of schema version 1, which does not know them."""

    name: str = Field(min_length=1)
    title: str = ""
    stack: str | None = None
    via: str | None = None
    description: str = ""
    planned: int | None = Field(default=None, ge=0)
    plan_sha256: str | None = None


class Fault(_Open):
    """A scheduled fault. `to_s` None: until the end of the run. `provider` None: every provider.
    `probability`: share of requests affected."""

    kind: str
    provider: str | None = None
    model: str | None = None
    from_s: float = 0.0
    to_s: float | None = None
    probability: float = Field(default=1.0, ge=0.0, le=1.0)

    @field_validator("from_s", "probability", mode="before")
    @classmethod
    def _null_is_default(cls, value: Any, field: ValidationInfo) -> Any:
        return value if value is not None else cls.model_fields[str(field.field_name)].default

    @field_validator("to_s", mode="before")
    @classmethod
    def _infinite_is_null(cls, value: Any) -> Any:
        return None if isinstance(value, float) and math.isinf(value) else value


class Slo(_Open):
    """Latency bounds of goodput in seconds from the planned start; None: no bound."""

    ttft_s: float | None = Field(default=None, gt=0)
    e2e_s: float | None = Field(default=None, gt=0)


class Limit(_Open):
    """A provider's limits of a model per minute; None: no such limit. `scope`: requests are counted per API
    key or per organisation. `burst_s`: a full bucket holds this many seconds of the limit."""

    provider: str
    model: str
    scope: Literal["key", "organization"] = "key"
    requests_per_min: int | None = Field(default=None, gt=0)
    tokens_per_min: int | None = Field(default=None, gt=0)
    input_tokens_per_min: int | None = Field(default=None, gt=0)
    output_tokens_per_min: int | None = Field(default=None, gt=0)
    burst_s: float = Field(default=60.0, gt=0)


class Claim(_Open):
    """`not_judged`: why it says nothing about this run; "" where it does."""

    text: str
    subject: str
    metric: str
    expected: str
    not_judged: str = ""

    @field_validator("expected")
    @classmethod
    def _readable(cls, value: str) -> str:
        Expectation.parse(value)
        return value


class Generator(_Open):
    """The load generator of one subject. `cpu_percent_max`: its peak; None: not measured (virtual time).
    `ledger_lost`: the providers died and took their ledger with them."""

    cpu_percent_max: float | None = None
    ledger_lost: bool = False

    @model_serializer(mode="wrap")
    def _as_recorded(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in handler(self).items() if key in self.model_fields_set}


class ClientError(_Open):
    """One kind of exception that a user's client raised: how often, and its first message and traceback."""

    exception: str
    count: int = Field(ge=1)
    first_call: str
    message: str = ""
    traceback: str = ""


class Calibration(_Open):
    """Error of the client's TTFT against the ledger in seconds, over `n` calls; None if `n` is 0.

    `ttft_error_s_p01` is None in records that are older than it.
    """

    ttft_error_s_p01: float | None = None
    ttft_error_s_p50: float | None = None
    ttft_error_s_p99: float | None = None
    n: int = 0


class Host(_Open):
    cpus: int | None = None
    platform: str | None = None


class Manifest(_Open):
    """A run besides its tables: what was played, where, with which versions. Times in seconds.

    `status`: "complete"; "partial", stopped by its user before the plan was played; "broken", a process or a
    disk of the harness failed. `machine` and `machine_calibration`: those of a run on real sockets; the
    second is None when the machine was never calibrated.
    """

    schema_version: Literal[2] = 2
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
    status: Status = "complete"
    status_reason: str | None = None
    profile: str | None = None
    arrivals: str | None = None
    workload: str | None = None
    trace: TraceRead | None = None
    max_tokens: int | None = Field(default=None, gt=0)
    limits: tuple[Limit, ...] = ()
    warmup_s: float = Field(default=0.0, ge=0)
    subjects: tuple[Subject, ...]
    faults: tuple[Fault, ...] = ()
    slo: Slo = Slo()
    claims: tuple[Claim, ...] = ()
    generator: dict[str, Generator] = Field(default_factory=dict)
    calibration: dict[str, Calibration] = Field(default_factory=dict)
    client_errors: dict[str, tuple[ClientError, ...]] = Field(default_factory=dict)
    machine: Machine | None = None
    machine_calibration: MachineCalibration | None = None

    @property
    def planned(self) -> dict[str, int | None]:
        """Planned calls by subject."""
        return {subject.name: subject.planned for subject in self.subjects}

    @field_validator("subjects")
    @classmethod
    def _distinct(cls, value: tuple[Subject, ...]) -> tuple[Subject, ...]:
        if not value:
            raise ValueError("expected at least one subject")
        names = [subject.name for subject in value]
        if len(set(names)) < len(names):
            raise ValueError("subject names must differ")
        return value

    @field_validator("slo", "host", mode="before")
    @classmethod
    def _null_is_empty(cls, value: Any) -> Any:
        return {} if value is None else value

    def as_json(self) -> dict[str, Any]:
        """The JSON object of `run.json`."""
        return self.model_dump(mode="json")


def checked_manifest(raw: Any, source: str) -> Manifest:
    """Validate `raw` and fill in every default; `RecordError` names `source`, the key and the problem."""
    if isinstance(raw, Manifest):
        return raw
    if not isinstance(raw, Mapping):
        raise RecordError(f"{source}: expected a JSON object, found {type(raw).__name__}")
    version = raw.get("schema_version", SCHEMA_VERSION)
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise RecordError(
            f"{source}: schema_version {version} is newer than {SCHEMA_VERSION}, the newest known here"
        )
    try:
        return Manifest.model_validate(upgraded(raw))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise RecordError(f"{source}: {key}: {first['msg']}") from None
