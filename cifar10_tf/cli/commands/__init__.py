"""The commands, a module each: what --help says of it, its flags, `run`."""
