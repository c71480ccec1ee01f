"""REST: orders, what may be done to them, their events, mappings and the order services."""
