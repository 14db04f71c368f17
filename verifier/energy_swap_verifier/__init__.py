"""The verifier of a community's mints: a process of its own, which knows the protocol and not the hub."""
