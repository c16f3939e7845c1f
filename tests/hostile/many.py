"""Many hostile runs: `python -m tests.hostile.many --virtual 2000 --real 40 --from 0`.

Prints a line for each promise that a run breaks, and the number of runs; exit code 1 if any did. `--from` is
the first seed: the same seed is the same run.
"""

import argparse
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.errors import InputError
from tests.hostile.draws import draw_run
from tests.hostile.play import played
from tests.hostile.real import ATTACKS, attacked


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--virtual", type=int, default=100)
    parser.add_argument("--real", type=int, default=0)
    parser.add_argument("--from", dest="first", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    broken = 0
    with TemporaryDirectory(prefix="hostile-") as folder:
        for name, found in _runs(Path(folder), options.first, options.virtual, options.real):
            broken += bool(found)
            for each in found:
                print(f"{name}: {each}", flush=True)  # noqa: T201
    print(f"{options.virtual} virtual and {options.real} real runs, {broken} broke a promise")  # noqa: T201
    return 1 if broken else 0


def _runs(folder: Path, first: int, virtual: int, real: int) -> Iterator[tuple[str, list[str]]]:
    for seed in range(first, first + virtual):
        try:
            found = played(draw_run(seed, folder / f"v{seed}"), judged=seed % 5 == 0)
        except InputError:
            found = []  # no call is planned, or all within the warm-up: refused before anything is played
        except BaseException as error:  # noqa: BLE001  # an exception that ends a run is what is looked for
            found = [f"{type(error).__name__}: {error}"[:500]]
        yield f"virtual {seed}", found
    for seed in range(first, first + real):
        attack = ATTACKS[seed % len(ATTACKS)]
        yield f"real {seed}", attacked(draw_run(seed, folder / f"r{seed}", "locust"), attack)


if __name__ == "__main__":
    sys.exit(main())
