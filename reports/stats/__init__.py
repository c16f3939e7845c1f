"""Statistics: quantiles, rates, their confidence intervals."""
