"""From files, folders, a hub or memory to a Dataset: what is read, row by row, and what could not be."""

from assay.sources.reading import (
    DETECT,
    ReadSettings,
    read,
)

__all__ = [
    "DETECT",
    "ReadSettings",
    "read",
]
