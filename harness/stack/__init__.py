"""The reference resilient calling stack: a library that stands alone.

`call.py` is read first: one `Call`, one `Reply`, and layers that wrap each other, outermost first.
`build.py` makes a stack from a TOML file; `gateway.py` serves one to any OpenAI client.
"""
