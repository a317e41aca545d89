"""The command line: which commands there are, flags, and what is printed."""
