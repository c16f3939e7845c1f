"""Run with `locust -f scenarios/locustfile.py`: Locust's own web page, with providers and gateway behind it.

A scenario and a stack are chosen on the page (or with `--scenario` and `--stack`); the run is written to
`runs/` when the test stops. `brownout run` uses this file too, headless, with a job of its own.
"""

from harness.locust import hooks as locust_hooks
from harness.locust.user import OpenLoopUser

locust_hooks.install()

__all__ = ["OpenLoopUser"]
