"""Damage to trainings and data, and counts of what comes of it."""
