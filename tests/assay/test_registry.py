"""A plug-in is one file and no other edit."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assay.errors import SettingsError, UnknownNameError
from assay.registry import Registry, check_settings, settings_of


@dataclass(frozen=True)
class Named:
    name: str
    function: Callable[..., Any]


PLUGIN = """
from {module} import Named

def work(data, *, threshold: float = 0.8, words: tuple[str, ...] = (), strict: bool = False):
    return threshold

{name} = Named("{name}", work)
"""


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry[Named]]:
    monkeypatch.setitem(sys.modules, "named_plugins", sys.modules[__name__])
    package = tmp_path / "some_plugins"
    package.mkdir()
    for name in ("near", "exact"):
        (package / f"{name}.py").write_text(PLUGIN.format(module="named_plugins", name=name))
    monkeypatch.syspath_prepend(tmp_path)
    yield Registry("some_plugins", "assay.nothing", "check", Named)
    for module in [name for name in sys.modules if name.startswith("some_plugins")]:
        del sys.modules[module]


def test_every_file_of_the_folder_is_found_in_name_order(registry: Registry[Named]) -> None:
    assert list(registry.all()) == ["exact", "near"]


def test_an_unknown_name_is_answered_with_the_nearest(registry: Registry[Named]) -> None:
    with pytest.raises(UnknownNameError, match="no check 'neer'; did you mean 'near'"):
        registry.get("neer")


def test_keyword_arguments_are_the_settings(registry: Registry[Named]) -> None:
    assert {setting.name: setting.default for setting in settings_of(registry.get("near"))} == {
        "threshold": 0.8,
        "words": (),
        "strict": False,
    }


@pytest.mark.parametrize("given", [{"treshold": 0.5}, {"threshold": "high"}, {"strict": 1}, {"words": "a"}])
def test_settings_that_a_plugin_does_not_have_are_refused(registry: Registry[Named], given: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"a\.yaml:3"):
        check_settings(registry.get("near"), given, "a.yaml:3")


def test_a_whole_number_will_do_for_a_fraction(registry: Registry[Named]) -> None:
    assert check_settings(registry.get("near"), {"threshold": 1}, "a.yaml") == {"threshold": 1}
