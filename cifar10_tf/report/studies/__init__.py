"""The pages of many runs, which say more together: studies and sweeps."""
