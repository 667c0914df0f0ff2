"""The stages in their order, and what is told of them: `assay run`, `demo`, `sweep`, `synth --measure`."""

from assay.pipeline.running import (
    decisions_of,
    run,
    run_project,
)

__all__ = [
    "decisions_of",
    "run",
    "run_project",
]
