"""A subject: a stack or a Python client, from a file of its own or from a table of the scenario."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from ..load.strict import StrictModel
from ..stack.assembly.base import NamedStacks, StackTables, flattened
from ..stack.assembly.options import StackOptions, parse_stack_options
from ..stack.config.options import first_complaint


class ClientOptions(StrictModel):
    """A Python client, any SDK: `call = "module:attribute"`, the module beside the file or importable.

    The attribute is an async generator function or a coroutine function, called for each call as
    `complete(messages, max_tokens=…, providers=…)`; or a class, made once as `Client(providers)` whose
    instances are called as `client(messages, max_tokens=…)` and closed with `aclose()` if they have it. It
    yields the answer's text piece by piece, or returns it whole; what it raises is a failed call. `providers`
    maps "openai", "anthropic" and "together" to a `base_url` and an `api_key`. `timeout_s` 120 ends a call.
    """

    kind: Literal["python"]
    call: str = Field(pattern=r"^[\w.]+:\w+$")
    title: str = ""
    description: str = ""
    timeout_s: float = Field(default=120.0, gt=0)


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject of the measurement, by its name in the report. One of `stack` and `client` is None.

    `path` is the file that describes it: its own, or the scenario's when `tables` holds the stack's tables
    (with those of its base). `draws` other than 0: providers and stack draw anew under the same seed.
    """

    name: str
    path: Path
    stack: StackOptions | None = None
    client: ClientOptions | None = None
    tables: dict[str, Any] | None = field(default=None, repr=False)
    draws: int = 0

    def again(self) -> "Subject":
        """The same subject with other draws."""
        return replace(self, name=f"{self.name}-again", draws=self.draws + 1)

    @property
    def _options(self) -> StackOptions | ClientOptions:
        options = self.stack or self.client
        assert options is not None
        return options

    @property
    def title(self) -> str:
        """One line for the report."""
        return self._options.title

    @property
    def description(self) -> str:
        """A paragraph for the report."""
        return self._options.description

    @property
    def total_s(self) -> float:
        """Seconds after which the subject has ended a call itself, or the driver ends it."""
        return self.client.timeout_s if self.client else self.stack.deadlines.total_s if self.stack else 0.0


def make_subject(name: str, tables: StackTables, named: NamedStacks) -> Subject:
    """The stack or client that `tables` describe. Raises ConfigError, one line: file, key, expectation."""
    origin = tables.origin
    if tables.values.get("kind") == "python":
        try:
            client = ClientOptions.model_validate(tables.values)
        except ValidationError as error:
            raise origin.error(first_complaint(error, tables.values)) from error
        return Subject(name, origin.path, client=client)
    values = flattened(tables, named)
    stack = parse_stack_options(values, origin)
    return Subject(name, origin.path, stack=stack, tables=values if origin.table else None)
