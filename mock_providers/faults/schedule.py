"""A fault schedule: read from plain data, and checked against the providers and models of a profile."""

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import or_
from typing import Annotated, Any, Protocol

from pydantic import Field, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema

from ..exchange.validation import one_line
from .base import FaultBase, registered_kinds


class FaultError(Exception):
    """A fault schedule that cannot be used; one line: key and what was expected."""


class ModelNames(Protocol):
    """The models of a provider, as far as a schedule names them: those of a `Provider`."""

    @property
    def models(self) -> Mapping[str, object]: ...
    @property
    def embeddings(self) -> Mapping[str, object]: ...
    def canonical(self, name: str) -> str | None: ...
    def canonical_embedding(self, name: str) -> str | None: ...


class ProviderNames(Protocol):
    """The providers of a `Profile`, by name."""

    @property
    def providers(self) -> Mapping[str, ModelNames]: ...


class _AnyKind:
    """Validates a field as the union of all registered kinds, told apart by `kind`."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        kinds: Any = reduce(or_, registered_kinds().values())
        return handler.generate_schema(Annotated[kinds, Field(discriminator="kind")])


Fault = Annotated[FaultBase, _AnyKind()]
"""Any fault: the type of a field of a pydantic model."""


def describe_faults() -> dict[str, str]:
    """The one-line summary of each kind."""
    return {kind: cls.summary for kind, cls in registered_kinds().items()}


def parse_faults(data: object, profile: ProviderNames) -> tuple[FaultBase, ...]:
    """Read a schedule (a list of objects with `kind`) for the providers of `profile`; raises FaultError."""
    if not isinstance(data, list | tuple):
        raise FaultError("faults: expected a list of objects")
    return check_faults([_parse_one(item, f"faults.{nth}") for nth, item in enumerate(data)], profile)


def check_faults(faults: Iterable[FaultBase], profile: ProviderNames) -> tuple[FaultBase, ...]:
    """The faults with models by their canonical ids; raises FaultError for names not in `profile`."""
    return tuple(_resolved(fault, profile, f"faults.{nth}") for nth, fault in enumerate(faults))


def _parse_one(item: Any, where: str) -> FaultBase:
    if not isinstance(item, Mapping):
        raise FaultError(f"{where}: expected an object with a kind, got {item!r}")
    kind, kinds = item.get("kind"), registered_kinds()
    if not isinstance(kind, str) or kind not in kinds:
        raise FaultError(f"{where}.kind: expected one of {', '.join(kinds)}, got {kind!r}")
    try:
        return kinds[kind].model_validate(item)
    except ValidationError as error:
        raise FaultError(f"{where}.{one_line(error)}") from None


def _resolved(fault: FaultBase, profile: ProviderNames, where: str) -> FaultBase:
    if fault.provider is not None and fault.provider not in profile.providers:
        known = ", ".join(profile.providers)
        raise FaultError(f"{where}.provider: expected one of {known}, got {fault.provider!r}")
    if fault.model is None:
        return fault
    names = [fault.provider] if fault.provider is not None else list(profile.providers)
    for name in names:
        provider = profile.providers[name]
        if model := provider.canonical(fault.model) or provider.canonical_embedding(fault.model):
            return fault.model_copy(update={"model": model})
    known = ", ".join(model for name in names for model in _models_of(profile.providers[name]))
    raise FaultError(f"{where}.model: expected one of {known}, got {fault.model!r}")


def _models_of(provider: ModelNames) -> list[str]:
    return [*provider.models, *provider.embeddings]
