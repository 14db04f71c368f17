"""Trading by itself: strategies as plain functions, what they would have brought, and the one switch."""
