"""What a load generator is told: a small JSON file, so that any process can play the same plan."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import orjson

from harness.errors import InputError


@dataclass(frozen=True, slots=True)
class Job:
    """`url` is where calls go (an OpenAI-compatible base URL), `admin_url` the providers' admin API, told
    when t = 0 is; `plan` and `rows` are paths: the calls to make, and where one row per finished call is
    written; `call_timeout_s` bounds a call, `drain_s` the wait for the last ones.
    """

    url: str
    admin_url: str
    plan: str
    rows: str
    call_timeout_s: float
    drain_s: float

    @property
    def notes(self) -> Path:
        """Where the generator writes about itself: t = 0, its CPU use, how it ended."""
        return Path(self.rows).with_suffix(".notes.json")

    def write(self, path: Path) -> None:
        """As JSON, for `read`."""
        path.write_bytes(orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises InputError when the file is missing or is no job."""
        try:
            return cls(**orjson.loads(path.read_bytes()))
        except (OSError, ValueError, TypeError) as error:
            raise InputError(f"{path}: expected a load job ({error})") from error
