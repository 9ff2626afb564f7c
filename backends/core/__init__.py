"""The vocabulary: actions, parameters, experiments, results, errors. Imports nothing of ours and no framework."""
