"""The machine's calibration: a known schedule, played by the real load generator against a mock provider."""
