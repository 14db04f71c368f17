"""HTTP and WebSocket faces of the hub: edges, approvers, console; no rule lives here."""
