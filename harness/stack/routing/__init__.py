"""Which model a call is worth: tiers of targets, and policies that choose among them."""
