"""The edge's local API, which Home Assistant uses."""
