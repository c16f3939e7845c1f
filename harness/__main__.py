"""`brownout`, also as `python -m harness`."""

import sys


def command() -> None:
    """The console script. Ctrl-C ends it with exit code 130 from the first import on."""
    try:
        from .cli import main
    except KeyboardInterrupt:
        sys.exit(130)
    main()


if __name__ == "__main__":
    command()
