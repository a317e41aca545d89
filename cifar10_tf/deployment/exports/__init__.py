"""A run -> its network in other formats, checked and measured."""
