"""What a run is to do: scenario and subject files read and checked."""
