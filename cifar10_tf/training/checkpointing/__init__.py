"""When a training is saved, where it stops, and how it goes on."""
