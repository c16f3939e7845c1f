"""May an attempt go to its target now, and with which key: breaker, load shedding, rate limiter, API keys.

Every refusal is a `Rejected` before anything is sent; every permit is returned exactly once.
"""
