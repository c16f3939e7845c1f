"""The job of a load generator: a small JSON file, so that any process can play the same plan."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import orjson

from ..errors import InputError


@dataclass(frozen=True, slots=True)
class LoadJob:
    """`url` is where calls go (an OpenAI-compatible base URL); `admin_url` is the providers' admin API, which
    gets the time of t = 0. `plan` is the path of the calls to make, `rows` the path that gets one row per
    finished call. `call_timeout_s` bounds a call, `drain_s` the wait for the last ones. `api_key`: sent when
    `url` is a provider's own, with the call's id as the request's; "" for a gateway.
    """

    url: str
    admin_url: str
    plan: str
    rows: str
    call_timeout_s: float
    drain_s: float
    api_key: str = ""

    @property
    def notes(self) -> Path:
        """Path of the generator's notes: t = 0, its CPU use, how it ended."""
        return Path(self.rows).with_suffix(".notes.json")

    def write(self, path: Path) -> None:
        """Write the job as JSON."""
        path.write_bytes(orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a written job. Raises InputError when the file is missing or is no job."""
        try:
            return cls(**orjson.loads(path.read_bytes()))
        except (OSError, ValueError, TypeError) as error:
            raise InputError(f"{path}: expected a load job ({error})") from error
