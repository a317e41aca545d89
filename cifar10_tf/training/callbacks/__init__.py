"""What is measured, recorded and watched while Keras trains."""
