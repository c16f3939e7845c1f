"""A run directory in; metrics, intervals, verdicts and one self-contained HTML page out.

    analysis = analyse(read_run("runs/outage-20260101-120000"))
    analysis.summary.value("full", "success_rate")
    write_report(analysis)

Layers: `record` (what is recorded), `metrics`, `analysis` (comparisons, claims, validity), `page`. Names are
imported on first use, so that reading a record does not load the plotting library.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .analysis.analyse import Analysis, analyse, write_summary
    from .analysis.claims import ClaimResult
    from .analysis.compare import Comparison, compare
    from .analysis.subject import SubjectSummary
    from .analysis.summary import Summary, read_summary
    from .analysis.validity import Validity
    from .metrics import Facts, Quantile, Rate, metric, percentiles
    from .page.html import write_report
    from .record.manifest import Manifest
    from .record.run import Run, read_run, record_sha256, write_run
    from .record.tables import RecordError

_MODULES = {
    "analysis.analyse": ("Analysis", "analyse", "write_summary"),
    "analysis.claims": ("ClaimResult",),
    "analysis.compare": ("Comparison", "compare"),
    "analysis.subject": ("SubjectSummary",),
    "analysis.summary": ("Summary", "read_summary"),
    "analysis.validity": ("Validity",),
    "metrics": ("Facts", "Quantile", "Rate", "metric", "percentiles"),
    "page.html": ("write_report",),
    "record.manifest": ("Manifest",),
    "record.run": ("Run", "read_run", "record_sha256", "write_run"),
    "record.tables": ("RecordError",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Analysis",
    "ClaimResult",
    "Comparison",
    "Facts",
    "Manifest",
    "Quantile",
    "Rate",
    "RecordError",
    "Run",
    "SubjectSummary",
    "Summary",
    "Validity",
    "analyse",
    "compare",
    "metric",
    "percentiles",
    "read_run",
    "read_summary",
    "record_sha256",
    "write_report",
    "write_run",
    "write_summary",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
