"""What a program left behind on its loop: the facts a leak test looks at."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LeakReport:
    """What is still there at one moment; false when there is nothing.

    tasks        a line per task that is not done (without the one that asks), oldest first
    connections  a line per open connection, "client -> server"
    servers      addresses that are listened on
    timers       timers that are set and not cancelled
    jobs         executor jobs whose result was not handed over yet
    """

    tasks: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    timers: int = 0
    jobs: int = 0

    def __bool__(self) -> bool:
        return bool(self.tasks or self.connections or self.servers or self.timers or self.jobs)
