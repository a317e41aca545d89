"""What the networks are made of."""
