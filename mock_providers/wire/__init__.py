"""The wire protocols: pure codecs between bytes and the package's own Request and Plan."""
