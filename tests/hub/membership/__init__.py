"""The hub's membership."""
