"""A new fault is one new module in `faults/`: nothing else lists the kinds."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mock_providers.faults.outage import Outage
from tests.paths import ROOT

TEAPOT = """
from typing import ClassVar, Literal

from ..plan import Plan
from .base import FaultBase, Refusals


class Teapot(FaultBase):
    summary: ClassVar[str] = "every request refused with status 418"

    kind: Literal["teapot"] = "teapot"

    def apply(self, plan: Plan, refusals: Refusals) -> Plan:
        return plan.refused(refusals.errors.of_status(418), refusals.error_latency_s, self.kind)
"""
PROGRAM = """
import asyncio
import httpx
from mock_providers import Incident, MockApp, describe_faults, load_profile, parse_faults

assert list(describe_faults())[-1] == "teapot", describe_faults()
incident = Incident.model_validate(
    {"title": "t", "description": "d", "source": "s", "faults": [{"kind": "teapot"}, {"kind": "outage"}]}
)
profile = load_profile("unpaced")
assert parse_faults([{"kind": "teapot"}], profile) == incident.faults[:1]

async def main() -> None:
    app = MockApp(profile, faults=incident.faults)
    transport = httpx.ASGITransport(app.provider("openai"))
    async with httpx.AsyncClient(transport=transport, base_url="http://mock") as client:
        response = await client.get("/v1/models", headers={"authorization": "Bearer k"})
    (row,) = app.ledger.rows
    print(response.status_code, row.fault)

asyncio.run(main())
"""


def test_a_module_in_the_folder_is_a_fault(tmp_path: Path) -> None:
    package = tmp_path / "mock_providers"
    shutil.copytree(ROOT / "mock_providers", package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "faults" / "teapot.py").write_text(TEAPOT, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        check=False,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert (ran.stdout, ran.returncode) == ("418 teapot\n", 0), ran.stderr


def test_two_classes_of_one_kind_are_an_error() -> None:
    with pytest.raises(TypeError, match="kind 'outage': Again and Outage both have it"):

        class Again(Outage):
            pass
