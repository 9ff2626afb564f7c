"""Runs experiments: queue, workers, progress, cancel, batching. Knows the registry and the store, and no playground."""
