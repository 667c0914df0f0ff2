"""From an adapter to its data, and to the evaluations that let it out."""
