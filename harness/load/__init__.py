"""The load of a run: arrivals, workload, and the driver that sends the calls."""
