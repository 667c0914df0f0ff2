"""Fixtures of the merging tests serve here too: both need adapters over tiny models, and merges of them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_PATH = Path(__file__).resolve().parent.parent / "merging" / "conftest.py"
_SPEC = importlib.util.spec_from_file_location("tests_of_merging", _PATH)
assert _SPEC is not None and _SPEC.loader is not None
_MODULE = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_MODULE)

make_base = _MODULE.make_base
make_adapter = _MODULE.make_adapter
trained_of = _MODULE.trained_of
