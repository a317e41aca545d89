"""What computes a model's predictions: a module for each library."""
