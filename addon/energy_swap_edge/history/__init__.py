"""What the household measured and traded, by period, for ever."""
