"""The batch APIs' state: schedule of the items, stored batches, files."""
