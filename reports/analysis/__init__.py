"""From metrics to statements: comparisons, claims, validity, calibration, the summary."""
