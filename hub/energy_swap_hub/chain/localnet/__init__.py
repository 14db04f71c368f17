"""The embedded chain: LiteSVM behind JSON-RPC, durable in its own file, for a demo, a village and tests."""
