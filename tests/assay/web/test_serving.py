"""Two servers never share a port: whoever opened the one would be shown the other."""

from __future__ import annotations

import pytest

from assay.errors import StorageError
from assay.web.serving import _listening


def test_a_port_that_another_server_holds_is_refused_though_nobody_asked_it_yet() -> None:
    with _listening(0) as first:
        port = first.getsockname()[1]
        with pytest.raises(StorageError, match="cannot be had"):
            _listening(port)


def test_without_a_port_named_two_servers_get_two() -> None:
    with _listening(None) as first, _listening(None) as second:
        assert first.getsockname()[1] != second.getsockname()[1]
