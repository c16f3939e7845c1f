"""Wire codecs, pure: a `Call` becomes request bytes, response bytes become events.

`codec.py` is the shape; a file for each protocol. No sockets, no clocks.
"""
