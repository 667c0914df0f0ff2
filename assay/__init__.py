"""assay: is this data fit to train on, and is this adapter fit to release?

`from assay.api import audit, curate, synth, train, evaluate, gate, run` has the stages as functions.
Importing this package loads nothing else.
"""

import os

from assay.version import __version__

__all__ = ["__version__"]

# The libraries beneath count the loading of every data set, local ones too, at a host that nobody named. They read
# these when they are imported; whoever sets them otherwise is obeyed.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_UPDATE_DOWNLOAD_COUNTS", "0")
