"""The chain: eKWh on Solana, through durable intents that have their effect exactly once."""
