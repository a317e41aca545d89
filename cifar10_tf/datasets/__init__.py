"""Dataset names -> uint8 arrays."""
