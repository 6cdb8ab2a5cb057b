"""What a prediction is worth: errors, distances, deltas, intervals, and the audit."""
