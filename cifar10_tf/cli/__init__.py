"""The command line: flags, and a module for each command."""
