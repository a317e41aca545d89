"""Config -> trained model and run directory; trainer.py reads as a recipe."""
