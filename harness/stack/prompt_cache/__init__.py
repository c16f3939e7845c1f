"""The providers' prompt caches: breakpoints, prefixes in use, and sessions that stay at one target."""
