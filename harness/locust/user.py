"""The Locust user: plays an arrival plan in open loop and writes down what a client sees.

Locust's own `wait_time` is think time after a task, a closed loop; here one scheduler spawns a greenlet per
planned arrival, so a slow reply delays nobody. Locust's HTTP sessions read streams in blocks, which holds
early tokens back; here `geventhttpclient` is driven directly and read line by line.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import orjson
from gevent.pool import Group
from geventhttpclient import HTTPClient
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError
from locust import User, events, task
from locust.env import Environment

from ..load.job import LoadJob
from ..load.plan import PlannedCall
from ..load.plan_file import read_plan
from ..load.reading import Seen, read_stream, read_whole
from ..load.recorder import Recorder, call_row
from ..load.request import request_body, request_headers

HEAD_START_S = 0.5
"""From announcing t = 0 to the providers until it is there."""

MAX_IN_FLIGHT = 10_000
"""More calls open than this and an arrival is dropped, and counted as such."""

Fire = Callable[..., Any]


class OpenLoopUser(User):
    """One of these plays the whole plan of the job that the hooks put into the parsed options."""

    fixed_count = 1
    host = "the gateway of the job"

    @task
    def play(self) -> None:
        """The plan, once; then Locust is told to stop (or to quit, when it runs without its web page)."""
        environment: Environment = self.environment
        options = environment.parsed_options
        assert options is not None
        if options.job is not None:
            Player(options.job, environment.events.request.fire).play()
        runner = environment.runner
        assert runner is not None
        gevent.spawn(runner.quit if environment.web_ui is None else runner.stop)
        gevent.sleep(3600)  # Locust would start the task anew; it ends this greenlet when it stops


class Player:
    """Plays one job. `fire` is Locust's request event, so that its own page and statistics work too."""

    def __init__(self, job: LoadJob, fire: Fire) -> None:
        self._job = job
        self._fire = fire
        self._client = HTTPClient.from_url(
            job.url,
            concurrency=MAX_IN_FLIGHT + 1,
            connection_timeout=10.0,
            network_timeout=job.call_timeout_s,
        )
        self._t0_s = 0.0
        self._in_flight = Group()
        self._drained = False

    def play(self) -> None:
        """Every call at its planned time, whatever became of the ones before; then wait for the last."""
        plan = read_plan(Path(self._job.plan))
        with Recorder(Path(self._job.rows)) as recorder:
            self._announce_t0()
            try:
                for call in plan:
                    self._start(call, recorder)
                self._in_flight.join(timeout=self._job.drain_s)
                self._drained = True
            finally:
                self._in_flight.kill()
                self._client.close()
        note(self._job, finished=True)

    def _start(self, call: PlannedCall, recorder: Recorder) -> None:
        body = request_body(call)
        gevent.sleep(max(0.0, self._t0_s + call.at_s - _now_s()))
        if len(self._in_flight) >= MAX_IN_FLIGHT:
            recorder.write(call_row(call, Seen(), t0_s=self._t0_s, started_s=None, end_s=None))
        else:
            self._in_flight.spawn(self._make, call, body, recorder)

    def _announce_t0(self) -> None:
        self._t0_s = _now_s() + HEAD_START_S
        note(self._job, t0_s=self._t0_s)
        admin = HTTPClient.from_url(self._job.admin_url, network_timeout=5.0)
        started = admin.post("/_mock/start", body=orjson.dumps({"at_s": self._t0_s}))
        if started.status_code != 200:
            raise RuntimeError(f"the providers refused to start: {started.read()!r}")
        admin.close()

    def _make(self, call: PlannedCall, body: bytes, recorder: Recorder) -> None:
        seen = Seen()
        started_s = _now_s()
        try:
            with gevent.Timeout(self._job.call_timeout_s):
                self._exchange(call, body, seen)
        except gevent.Timeout:
            seen.error_kind = "timeout_total"
        except gevent.GreenletExit:
            if not self._drained:
                return  # the run was stopped: this call was neither good nor bad
            seen.error_kind = "timeout_total"
        except TimeoutError:
            seen.error_kind = "timeout_inter_chunk" if seen.status else "timeout_connect"
        except ConnectionRefusedError:
            seen.error_kind = "connect"
        except (OSError, HTTPConnectionClosed):
            seen.error_kind = "connection"
        except HTTPParseError:
            seen.error_kind = "truncated"
        end_s = _now_s()
        recorder.write(call_row(call, seen, t0_s=self._t0_s, started_s=started_s, end_s=end_s))
        self._tell_locust(call, seen, end_s)

    def _exchange(self, call: PlannedCall, body: bytes, seen: Seen) -> None:
        path = f"{self._client_path()}/chat/completions"
        response = self._client.post(path, body=body, headers=request_headers(call))
        try:
            seen.status = response.status_code
            kind = str(response.get("content-type", ""))
            if seen.status == 200 and kind.startswith("text/event-stream"):
                read_stream(_lines(response), _now_s, seen)
                if seen.error_kind is None:
                    response.read()  # the end of the body, so that the connection can be used again
            else:
                read_whole(bytes(response.read()), _now_s, seen)
        finally:
            response.release()

    def _client_path(self) -> str:
        return "/" + self._job.url.split("/", 3)[3].rstrip("/")

    def _tell_locust(self, call: PlannedCall, seen: Seen, end_s: float) -> None:
        self._fire(
            request_type="chat",
            name="stream" if call.stream else "json",
            response_time=(end_s - self._t0_s - call.at_s) * 1000.0,
            response_length=len(seen.text),
            exception=None if seen.error_kind is None else RuntimeError(seen.error_kind),
            context={},
        )


def note(job: LoadJob, **news: Any) -> None:
    """Add to what the generator says about itself."""
    known = orjson.loads(job.notes.read_bytes()) if job.notes.is_file() else {}
    job.notes.write_bytes(orjson.dumps({**known, **news}))


def watch_cpu(environment: Environment, cpu_usage: float, **_: Any) -> None:
    """Keep the highest CPU use that Locust read of this process: a busy generator measures itself."""
    job: LoadJob | None = getattr(environment.parsed_options, "job", None)
    if job is not None:
        known = orjson.loads(job.notes.read_bytes()) if job.notes.is_file() else {}
        note(job, cpu_percent_max=max(cpu_usage, known.get("cpu_percent_max", 0.0)))


events.usage_monitor.add_listener(watch_cpu)  # type: ignore[no-untyped-call]  # untyped in Locust


def _lines(response: Any) -> Iterator[bytes]:
    while line := response.readline(b"\n"):
        yield line


def _now_s() -> float:
    """The clock that asyncio's event loops read on this machine, in every process."""
    return time.monotonic()
