"""The kept calibration: one JSON file in the user's cache folder."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import gettempdir

from pydantic import ValidationError

from reports.record.machine import MachineCalibration
from reports.record.whole_file import write_whole

from ..errors import InputError

VARIABLE = "BROWNOUT_CALIBRATION"


def calibration_file(env: Mapping[str, str]) -> Path:
    """`$BROWNOUT_CALIBRATION`, or `brownout/calibration.json` in `$XDG_CACHE_HOME` (default: `~/.cache`).

    As the XDG specification says, a relative `XDG_CACHE_HOME` is ignored. A user without a home, as in some
    containers, has the folder for temporary files.
    """
    if own := env.get(VARIABLE):
        return Path(own)
    cache = Path(env.get("XDG_CACHE_HOME", ""))
    return (cache if cache.is_absolute() else _home_cache()) / "brownout" / "calibration.json"


def _home_cache() -> Path:
    try:
        return Path("~/.cache").expanduser()
    except RuntimeError:
        return Path(gettempdir())


def kept_calibration(path: Path) -> MachineCalibration | None:
    """The calibration in `path`; None when there is none, or none that this version can read."""
    try:
        return MachineCalibration.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def check_writable(path: Path) -> None:
    """Raise InputError when `path` could not be written; before anything is played."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab"):
            pass
        if not path.stat().st_size:
            path.unlink()
    except OSError as error:
        raise InputError(f"{path}: expected a file that can be written ({error.strerror})") from error


def keep(calibration: MachineCalibration, path: Path) -> None:
    """Replace the file, whole or not at all."""
    write_whole(path, calibration.model_dump_json(indent=2) + "\n")
