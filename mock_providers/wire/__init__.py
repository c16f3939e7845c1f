"""The providers' wire protocols: pure codecs between bytes and the package's Request, Plan and Problem.

Start with `dialect.py`, the interfaces that every protocol implements. The folders of the protocols have the
same files: `dialect` (keys, headers, models), `errors`, and `codec`, which joins `request`, `prompt`, `tools`
(reading) to `reply` and `frames` (writing). Together is OpenAI's protocol with other rate limit headers.
"""
