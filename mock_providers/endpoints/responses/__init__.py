"""The Responses API: `create.py` answers requests, `stored.py` reads what `store.py` keeps of them."""
