"""Web Push on the wire: messages sealed for a browser, signed as the hub's, and carried to its push service."""
