"""Weather for the forecast: who tells it, what is kept of it, and how old it may be."""
