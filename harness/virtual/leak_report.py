"""Tasks, connections and timers that a program left behind on its loop, for leak tests."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LeakReport:
    """Resources in use at one moment; false when there are none.

    tasks        a line per task that is not done (without the current one), oldest first
    connections  a line per open connection, "client -> server"
    servers      addresses that are listened on
    timers       timers that are set and not cancelled
    jobs         executor jobs whose result was not delivered yet
    """

    tasks: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    timers: int = 0
    jobs: int = 0

    def __bool__(self) -> bool:
        return bool(self.tasks or self.connections or self.servers or self.timers or self.jobs)
