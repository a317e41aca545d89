"""What applies the gradients, and at which rate."""
