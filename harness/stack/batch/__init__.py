"""Batches: work that can wait a day at half the price, over OpenAI's and Anthropic's batch APIs.

`wire.py` what both have in common, `openai.py` and `anthropic.py` the two of them, `journal.py` what survives
a restart, `client.py` submit, poll, collect, cancel and resume, `queue.py` the layer that makes batches of
calls whose deadline is a day away.
"""
