"""Commands that belong to no single stage."""
