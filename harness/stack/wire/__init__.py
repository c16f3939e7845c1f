"""Client codecs, pure: a `Call` becomes request bytes, response bytes become events.

`codec.py` defines the interface; each protocol has its own folder. No sockets, no clocks.
"""
