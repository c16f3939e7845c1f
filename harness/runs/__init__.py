"""Playing a run: joining the rows, recording them, the manifest, many seeds."""
