"""Batches: calls that can wait a day at half the price, over OpenAI's and Anthropic's batch APIs.

`http.py` is what both APIs share, `openai.py` and `anthropic.py` are the two APIs, `journal.py` keeps batches
over restarts, `client.py` submits, polls, collects, cancels and resumes, `failures.py` is what can go wrong
with a batch as a whole, and `queue.py` is the layer that collects calls with distant deadlines into batches.
"""
