"""What a stack reports: one row of facts per call, and the state of its targets."""
