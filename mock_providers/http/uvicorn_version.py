"""The uvicorn releases on which the server was tried: `MockProtocol` overrides private parts of uvicorn's."""

import uvicorn

TRIED = ((0, 54),)
"""uvicorn versions that pass the server's tests; the same bounds stand in pyproject's dependencies."""


class UntriedUvicorn(RuntimeError):
    """This uvicorn may break the mock's server in ways no test has looked for; one line."""


def check_uvicorn() -> None:
    """Raise `UntriedUvicorn` unless the installed uvicorn is of a version in `TRIED`."""
    version = uvicorn.__version__
    if not any(version.startswith(f"{major}.{minor}.") for major, minor in TRIED):
        tried = ", ".join(f"{major}.{minor}" for major, minor in TRIED)
        raise UntriedUvicorn(
            f"the server uses private parts of uvicorn and was tried on uvicorn {tried} only: "
            f"{version} is installed (pip install 'uvicorn=={tried.rpartition(' ')[2]}.*')"
        )
