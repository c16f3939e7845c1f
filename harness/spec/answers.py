"""The workload's questions in the mock providers' format, so that the mock knows the right answers."""

from pathlib import Path

import orjson

from mock_providers import Catalogue, CatalogueError
from mock_providers import Question as MockQuestion

from ..errors import InputError
from ..load.workload.options import Workload


def catalogue_of(workload: Workload) -> Catalogue:
    """The questions for a mock in this process. Raises InputError that names the questions' file."""
    try:
        return Catalogue(MockQuestion.model_validate_json(line) for line in _lines(workload))
    except CatalogueError as error:
        raise InputError(f"{workload.catalogue}: {error}") from error


def write_catalogue(workload: Workload, path: Path) -> None:
    """Write the questions to a file, for a mock in another process."""
    path.write_bytes(b"\n".join(_lines(workload)) + b"\n")


def _lines(workload: Workload) -> list[bytes]:
    return [orjson.dumps(question.model_dump(exclude={"topic"})) for question in workload.questions]
