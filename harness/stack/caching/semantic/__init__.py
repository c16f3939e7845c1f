"""The semantic cache: a question gets the answer of another one that means the same.

Read `layer.py` first. `embedder.py` and the files that implement it turn a question into a vector,
`index.py` finds the nearest ones, `partition.py` remembers what is known of them, `policy.py` decides whether
one is near enough. `curve.py` measures policies on questions of which the answers are known.
"""
