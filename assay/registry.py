"""Finds plug-ins: files of a folder, and entry points of other packages.

A plug-in is one file with one decorated function. Its keyword-only arguments are its settings, its
docstring is its documentation. Nothing is imported until a kind of plug-in is asked for.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Generic, Protocol, TypeVar

from assay.errors import SettingsError, UnknownNameError, did_you_mean


class Plugin(Protocol):
    """What a decorator such as `@check` returns: it knows its name and the function behind it."""

    @property
    def name(self) -> str: ...

    @property
    def function(self) -> Callable[..., Any]: ...


P = TypeVar("P", bound=Plugin)


@dataclass(frozen=True)
class Registry(Generic[P]):
    """Plug-ins of one kind.

    package  whose modules hold them, for example "assay.curate.checks"
    group    entry-point group in which other packages announce theirs, for example "assay.checks"
    kind     the word for error messages, for example "check"
    type     the class that the decorator returns
    """

    package: str
    group: str
    kind: str
    type: type[P]

    def all(self) -> dict[str, P]:
        """Every plug-in by name, in name order. Raises UnknownNameError when two share a name."""
        found: dict[str, P] = {}
        for plugin in self._scan():
            other = found.get(plugin.name)
            if other is not None and other is not plugin:
                raise UnknownNameError(f"two {self.kind}s are named '{plugin.name}'", fix="rename one of them")
            found[plugin.name] = plugin
        return dict(sorted(found.items()))

    def get(self, name: str) -> P:
        """Raises UnknownNameError with the nearest known name."""
        known = self.all()
        if name not in known:
            raise UnknownNameError(f"no {self.kind} '{name}'", fix=did_you_mean(name, known))
        return known[name]

    def _scan(self) -> Iterator[P]:
        package = importlib.import_module(self.package)
        for module_info in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{self.package}.{module_info.name}")
            yield from (value for value in vars(module).values() if isinstance(value, self.type))
        for entry in entry_points(group=self.group):
            loaded = entry.load()
            if isinstance(loaded, self.type):
                yield loaded


@dataclass(frozen=True)
class Setting:
    """One keyword argument of a plug-in."""

    name: str
    default: Any
    annotation: str

    @property
    def in_yaml(self) -> str:
        """The default as it is written in a settings file: JSON is YAML."""
        return json.dumps(self.default, ensure_ascii=False, default=str)


def settings_of(plugin: Plugin) -> list[Setting]:
    """The keyword-only arguments that have a default."""
    return [
        Setting(parameter.name, parameter.default, str(parameter.annotation))
        for parameter in inspect.signature(plugin.function).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and parameter.default is not inspect.Parameter.empty
    ]


def check_settings(plugin: Plugin, given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """`given`, once every key is a setting of the plug-in and has its default's type. Raises SettingsError."""
    known = {setting.name: setting for setting in settings_of(plugin)}
    for key, value in given.items():
        if key not in known:
            raise SettingsError(f"unknown setting '{key}'", where=where, fix=did_you_mean(key, known))
        default = known[key].default
        if default is not None and not _same_kind(value, default):
            kind = "list" if isinstance(default, tuple) else type(default).__name__
            raise SettingsError(
                f"'{key}' is {value!r}, but should be a {kind}",
                where=where,
                fix=f"the default is {known[key].in_yaml}",
            )
    return dict(given)


def _same_kind(value: Any, default: Any) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, float):
        return isinstance(value, int | float)
    if isinstance(default, tuple | list):
        return isinstance(value, tuple | list)
    return isinstance(value, type(default))
