"""One module per step. What is committed here has been run somewhere and is not edited any more."""
