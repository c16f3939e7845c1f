"""A run directory in; metrics, intervals, verdicts and one self-contained HTML page out.

Read `schema` for what is recorded, `catalogue` for what is measured, `summary` for how it becomes one JSON
object and `html` for the page. Nothing here knows how a run came about.
"""
