"""A trained run -> something that people and programs use."""
