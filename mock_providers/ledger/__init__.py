"""The providers' record of every request and its price: the ground truth of a run."""
