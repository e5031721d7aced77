"""Side by side against what a user would do today, in one run: ``python -m benchmarks``."""
