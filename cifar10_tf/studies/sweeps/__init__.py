"""Runs of many settings, which are chosen as results come in."""
