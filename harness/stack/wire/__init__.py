"""Client codecs, pure: a `Call` becomes request bytes, response bytes become events.

`codec.py` defines the interface; each protocol has its own files. No sockets, no clocks.
"""
