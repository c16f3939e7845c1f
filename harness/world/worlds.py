"""The world of a run, by its engine."""

from pathlib import Path

from harness.spec.run_spec import RunSpec

from .world import World


def make_world(spec: RunSpec, logs: Path) -> World:
    """`locust`: processes on real sockets, with logs in `logs`; `virtual`: one process in virtual time."""
    if spec.engine == "virtual":
        from .virtual_world import VirtualWorld

        return VirtualWorld(spec)
    from .real import RealWorld

    return RealWorld(spec, logs)
