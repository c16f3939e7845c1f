"""Recorded traffic: reads the public LLM traces and any table with a time and two token counts, as a stream.

| module | concern |
| --- | --- |
| `options` | the keys of a trace in a scenario and on the command line |
| `formats` | the public formats by their columns |
| `values` | times, token counts and hash ids as they are written |
| `text_source`, `parquet_source` | files as rows of the wanted columns |
| `seeking` | the place in a sorted file at which a slice begins |
| `ordering` | rows in order of time |
| `reading` | the whole: file to `Trace` |
| `scaling` | more or fewer calls than were recorded |
| `facts` | the table of what was read |
"""
