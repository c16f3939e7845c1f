"""How a workload's questions reach the mock providers, so that they know the right answer of each prompt."""

from pathlib import Path

import orjson

from mock_providers import Catalogue, CatalogueError
from mock_providers import Question as MockQuestion

from ..errors import InputError
from ..load.workload.options import Workload


def catalogue_of(workload: Workload) -> Catalogue:
    """The workload's questions as the mock takes them. Raises InputError that names the questions' file."""
    try:
        return Catalogue(MockQuestion.model_validate_json(line) for line in _lines(workload))
    except CatalogueError as error:
        raise InputError(f"{workload.catalogue}: {error}") from error


def write_catalogue(workload: Workload, path: Path) -> None:
    """The same as a file, for a mock in a process of its own."""
    path.write_bytes(b"\n".join(_lines(workload)) + b"\n")


def _lines(workload: Workload) -> list[bytes]:
    return [orjson.dumps(question.model_dump(exclude={"topic"})) for question in workload.questions]
