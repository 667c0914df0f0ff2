"""Formats of instruction data, one file each."""
