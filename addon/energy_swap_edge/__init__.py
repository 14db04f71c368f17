"""The household edge: a meter's readings to the hub, its wishes to the market, both to Home Assistant."""
