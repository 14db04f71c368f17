"""The hub's settlement."""
