"""Containers: how the rows of a file are found, whatever format the rows are in."""
