"""The Locust user: plays an arrival plan in open loop and records the replies.

Locust's `wait_time` is think time after a task, a closed loop; here one scheduler spawns a greenlet per
planned arrival, so a slow reply delays no other call. Locust's HTTP sessions read streams in blocks, which
delays early tokens; here `geventhttpclient` is read line by line.
"""

import contextlib
import time
import traceback
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
from ..load.reading import ObservedReply, read_stream, read_whole
from ..load.recorder import Recorder, call_row, unsent_row
from ..load.request import provider_headers, request_body, request_headers

HEAD_START_S = 0.5
"""Seconds from announcing t = 0 to the providers until t = 0."""

MAX_IN_FLIGHT = 10_000
"""Open calls above which an arrival is dropped and recorded as dropped."""

Fire = Callable[..., Any]


class OpenLoopUser(User):
    """A single user plays the whole plan of the job in the parsed options."""

    fixed_count = 1
    host = "the gateway of the job"

    @task
    def play(self) -> None:
        """Play the plan once, then stop Locust (or quit it, when it runs without its web page)."""
        environment: Environment = self.environment
        options = environment.parsed_options
        assert options is not None
        try:
            if options.job is not None:
                Player(options.job, environment.events.request.fire).play()
        except Exception:  # noqa: BLE001  # Locust would log it, and start the task again
            traceback.print_exc()
            environment.process_exit_code = 1
        runner = environment.runner
        assert runner is not None
        gevent.spawn(runner.quit if environment.web_ui is None else runner.stop)
        gevent.sleep(3600)  # else Locust would start the task again; it kills this greenlet when it stops


class Player:
    """Plays one job. `fire` is Locust's request event, which feeds its page and statistics."""

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
        self._ending = "unfinished"

    def play(self) -> None:
        """Start every call at its planned time, independent of earlier replies; then wait for the last.

        Each call that is started gets one row; the notes hold how many were. A failed write ends the plan.
        """
        plan = read_plan(Path(self._job.plan))
        started, began = 0, (_now_s(), time.process_time())
        with Recorder(Path(self._job.rows)) as recorder:
            self._announce_t0()
            try:
                for call in plan:
                    self._start(call, recorder)
                    started += 1
                    if recorder.error is not None:
                        break
                self._in_flight.join(timeout=self._job.drain_s)
                self._ending = "cut"
            finally:
                self._in_flight.kill()
                self._client.close()
                note(self._job, started=started, write_error=recorder.error)
                note_cpu(self._job, 100.0 * (time.process_time() - began[1]) / max(_now_s() - began[0], 1e-3))
        note(self._job, finished=True)

    def _start(self, call: PlannedCall, recorder: Recorder) -> None:
        body = request_body(call)
        gevent.sleep(max(0.0, self._t0_s + call.at_s - _now_s()))
        if len(self._in_flight) >= MAX_IN_FLIGHT:
            recorder.write(unsent_row(call, "dropped"))
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
        observed = ObservedReply()
        started_s = _now_s()
        try:
            with gevent.Timeout(self._job.call_timeout_s):
                self._exchange(call, body, observed)
        except gevent.Timeout:
            observed.error_kind = "timeout_total"
        except gevent.GreenletExit:
            observed.ended_as = self._ending
        except TimeoutError:
            observed.error_kind = "timeout_inter_chunk" if observed.status else "timeout_connect"
        except ConnectionRefusedError:
            observed.error_kind = "connect"
        except (OSError, HTTPConnectionClosed):
            observed.error_kind = "connection"
        except HTTPParseError:
            observed.error_kind = "truncated"
        except Exception:  # noqa: BLE001  # a fault of this generator, not of the subject
            traceback.print_exc()
            observed.ended_as = "generator_error"
        end_s = _now_s()
        recorder.write(call_row(call, observed, t0_s=self._t0_s, started_s=started_s, end_s=end_s))
        self._report_to_locust(call, observed, end_s)

    def _exchange(self, call: PlannedCall, body: bytes, observed: ObservedReply) -> None:
        path = f"{self._client_path()}/chat/completions"
        response = self._client.post(path, body=body, headers=self._headers(call))
        try:
            observed.status = response.status_code
            kind = str(response.get("content-type", ""))
            if observed.status == 200 and kind.startswith("text/event-stream"):
                read_stream(_lines(response), _now_s, observed)
                if observed.error_kind is None:
                    response.read()  # to the end of the body, so that the connection is reused
            else:
                read_whole(bytes(response.read()), _now_s, observed)
        finally:
            response.release()

    def _headers(self, call: PlannedCall) -> dict[str, str]:
        key = self._job.api_key
        return provider_headers(call, key) if key else request_headers(call)

    def _client_path(self) -> str:
        return "/" + self._job.url.split("/", 3)[3].rstrip("/")

    def _report_to_locust(self, call: PlannedCall, observed: ObservedReply, end_s: float) -> None:
        self._fire(
            request_type="chat",
            name="stream" if call.stream else "json",
            response_time=(end_s - self._t0_s - call.at_s) * 1000.0,
            response_length=len(observed.text),
            exception=None if observed.outcome == "success" else RuntimeError(_why(observed)),
            context={},
        )


def _why(observed: ObservedReply) -> str:
    """The reason that Locust's page shows for a call without an answer."""
    return observed.error_kind or observed.outcome


def note(job: LoadJob, **entries: Any) -> None:
    """Add to the generator's notes, whole or not at all."""
    known = orjson.loads(job.notes.read_bytes()) if job.notes.is_file() else {}
    written = job.notes.with_suffix(".part")
    written.write_bytes(orjson.dumps({**known, **entries}))
    written.replace(job.notes)


def watch_cpu(environment: Environment, cpu_usage: float, **_: Any) -> None:
    """Note this process's CPU use of the last five seconds."""
    job: LoadJob | None = getattr(environment.parsed_options, "job", None)
    if job is not None:
        note_cpu(job, cpu_usage)


def note_cpu(job: LoadJob, percent: float) -> None:
    """Note the highest CPU use of this process: an overloaded generator distorts what it measures.

    Locust measures it every five seconds; a shorter run has its mean, noted at the end.
    """
    known = orjson.loads(job.notes.read_bytes()) if job.notes.is_file() else {}
    with contextlib.suppress(OSError):  # a full disk shows in the rows
        note(job, cpu_percent_max=max(percent, known.get("cpu_percent_max", 0.0)))


events.usage_monitor.add_listener(watch_cpu)  # type: ignore[no-untyped-call]  # untyped in Locust


def _lines(response: Any) -> Iterator[bytes]:
    while line := response.readline(b"\n"):
        yield line


def _now_s() -> float:
    """The clock of asyncio's event loops in every process of this machine."""
    return time.monotonic()
