"""Adapters by name and version: what was released, on what proof, and what a hub is told of it."""
