"""Samples and results: cores in pots, labels, dispatch, receipt, reports, and who has read and told them."""
