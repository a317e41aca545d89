"""Predictions -> figures: accuracies, intervals, pictures."""
