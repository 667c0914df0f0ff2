"""Acme's own checks for assay."""
