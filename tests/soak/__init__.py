"""Long runs of the real parts under conditions that no single test can wait for."""
