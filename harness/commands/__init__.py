"""The commands of `brownout`, one file each; `harness.cli` puts them together."""
