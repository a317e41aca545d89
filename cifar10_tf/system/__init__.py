"""The machine: what it has, its clock, its signals, its files."""
