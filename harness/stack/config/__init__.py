"""Tables of TOML files: the base of all options, their errors, durations, reading and writing."""
