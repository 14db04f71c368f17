"""Tests of the hub's HTTP and WebSocket faces."""
