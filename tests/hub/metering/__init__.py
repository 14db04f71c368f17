"""The hub's metering."""
