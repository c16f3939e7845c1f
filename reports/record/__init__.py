"""The run record: schema, tables, manifest, reading and writing."""
