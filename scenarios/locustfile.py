"""Run with `locust -f scenarios/locustfile.py`: Locust's web page, with mock providers and a gateway.

A scenario and a stack are chosen on the page (or with `--scenario` and `--stack`); the run is written to
`runs/` when the test stops. `brownout run` uses this file headless, with a load job.
"""

from harness.locust import hooks as locust_hooks
from harness.locust.user import OpenLoopUser

locust_hooks.install()

__all__ = ["OpenLoopUser"]
