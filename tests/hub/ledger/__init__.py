"""The hub's ledger."""
