"""The report in a real browser: it is painted, and no element exceeds a desktop's or phone's width."""

import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from reports.page.html import write_report
from tests.reports.synthetic import outage_run, run_of

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium on PATH: the page is not tested in a browser"
)

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)

# A page that loads the report in frames of several widths, every <details> open and closed, and measures how
# far its content reaches. The report itself has no script.
PROBE = """<!doctype html><title>probe</title><body><script>
const found = [];
const frames = [];
for (const width of %s) {
  const frame = document.createElement('iframe');
  frame.style.cssText = `border:0;height:900px;width:${width}px`;
  frame.src = %s;
  frames.push(new Promise(done => frame.onload = () => {
    const root = frame.contentDocument.documentElement;
    for (const open of [false, true]) {
      for (const fold of frame.contentDocument.querySelectorAll('details')) fold.open = open;
      const beyond = [...frame.contentDocument.querySelectorAll('section > *, section svg')]
        .filter(e => !e.closest('.scroll') && e.getBoundingClientRect().right > width + 0.5)
        .map(e => e.tagName + '.' + e.className.toString());
      found.push({width, open, reach: root.scrollWidth, height: root.scrollHeight, beyond});
    }
    done();
  }));
  document.body.append(frame);
}
Promise.all(frames).then(() => document.body.innerHTML = '<pre>' + JSON.stringify(found) + '</pre>');
</script></body>"""


def chromium(profile: Path, *arguments: str) -> str:
    assert CHROMIUM is not None
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(outage_run(tmp_path_factory.mktemp("run"), calls=200).path)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_is_painted_in_both_themes(report: Path, theme: str, tmp_path: Path) -> None:
    shot = tmp_path / "page.png"
    chromium(
        tmp_path / "profile",
        "--window-size=1280,1600",
        f"--blink-settings=preferredColorScheme={0 if theme == 'dark' else 1}",
        f"--screenshot={shot}",
        report.as_uri(),
    )
    pixels = imread(io.BytesIO(shot.read_bytes()), format="png")[..., :3]
    assert pixels.shape[:2] == (1600, 1280)
    colours = np.unique((pixels * 255).astype(np.uint8).reshape(-1, 3), axis=0)
    assert len(colours) > 200  # text, bars and curves; a blank page has one
    background = float(pixels[2:6, 2:6].mean())
    assert background < 0.2 if theme == "dark" else background > 0.9


def test_no_element_exceeds_the_width_of_a_desktop_or_a_phone(report: Path, tmp_path: Path) -> None:
    many = write_report(
        outage_run(tmp_path / "six", calls=60, subjects=["naive", *(f"variant-{i}" for i in range(5))]).path
    )
    empty = write_report(run_of(tmp_path / "empty", []).path)
    for number, page in enumerate((report, many, empty)):
        probe = tmp_path / f"probe-{number}.html"
        probe.write_text(PROBE % ([1280, 768, 390], json.dumps(page.as_uri())))
        dom = chromium(
            tmp_path / "profile",
            "--allow-file-access-from-files",
            "--virtual-time-budget=10000",
            "--dump-dom",
            probe.as_uri(),
        )
        match = re.search(r"<pre>(.*)</pre>", dom, re.DOTALL)
        assert match is not None, dom[-2000:]
        found = json.loads(match[1])
        assert len(found) == 6
        for frame in found:
            assert frame["reach"] <= frame["width"], frame
            assert frame["beyond"] == [], frame
            assert frame["height"] > 700
