"""Provider-side rate limits: options, buckets, admission, and the headers that report them."""
