"""The review queue: what waits for a person, one thing at a time."""
