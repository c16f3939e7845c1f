"""The parts that metrics are made of: facts of a subject, measures, their registry, and their uncertainty."""
