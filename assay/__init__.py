"""assay: is this data fit to train on, and is this adapter fit to release?

`from assay.api import audit, curate, synth, train, evaluate, gate, run` has the stages as functions.
Importing this package loads nothing else.
"""

from assay.version import __version__

__all__ = ["__version__"]
