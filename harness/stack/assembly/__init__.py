"""Assembly of a stack: from a TOML file to a built stack. `layers.py` lists every layer in order."""
