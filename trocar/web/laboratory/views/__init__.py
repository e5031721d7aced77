"""Pages of samples and results."""
