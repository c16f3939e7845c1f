"""Playing a run: recording, joining the three records, manifest, many seeds."""
