"""Where tests find the checkout, what it ships, and the recorded data beside it (which may be absent)."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
SCENARIOS = ROOT / "scenarios"
DATA = ROOT.parent / "shared" / "data"
