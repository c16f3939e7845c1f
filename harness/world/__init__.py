"""Where a run happens: processes on real sockets under Locust, or one process in virtual time."""

from pathlib import Path

from harness.spec import RunSpec

from .world import Measured, OnProgress, World

__all__ = ["Measured", "OnProgress", "World", "make_world"]


def make_world(spec: RunSpec, logs: Path) -> World:
    """The world of the spec's engine; processes, if it has any, log into `logs`."""
    if spec.engine == "virtual":
        from .virtual_world import VirtualWorld

        return VirtualWorld(spec)
    from .real import RealWorld

    return RealWorld(spec, logs)
