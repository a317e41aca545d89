"""A page and an HTTP interface to a model, for this machine."""
