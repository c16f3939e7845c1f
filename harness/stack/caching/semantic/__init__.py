"""The semantic cache: a question gets the answer of an earlier question with the same meaning.

Read `layer.py` first. `embedding/` turns a question into a vector, `index.py` finds the nearest ones,
`partition.py` holds their groups and neighbours, `policy.py` decides whether the nearest one is near enough.
`curve.py` measures policies on questions with known answers.
"""
