"""Arrays -> batches."""
