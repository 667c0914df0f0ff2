"""The form of a new training: from what was typed to settings, each wrong choice as one line beside its field."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.config import Document, parse, read_document, to_json
from assay.errors import AssayError, NoSuchRunError, SettingsError
from assay.models import HUB_ID
from assay.models.embedded import DEFAULT_MODEL, EMBEDDED
from assay.web.site import Site

from ..settings import PRESETS, TrainSettings
from .rates import rate_for

FIELDS = (
    "data", "path", "model", "model_path", "preset", "lora_r", "num_train_epochs", "learning_rate", "load_in_4bit",
    "general_data", "general_ratio", "others",
)  # fmt: skip
CHECKED = "yes"
MOST = {"lora_r": 4096.0, "num_train_epochs": 1000.0, "learning_rate": 1.0}
BY_FORM = ("preset", "lora_r", "num_train_epochs", "learning_rate", "load_in_4bit", "general_data", "general_ratio")
"""Settings that the form has fields for."""

RULE = "require_acceptance"
"""Of generated records that train, in the section `synth`: it is the project's, whatever trains."""

HEAD = "# Written by `assay ui`. `assay train -c` with this file trains the same run.\n"


@dataclass(frozen=True)
class Project:
    """What assay.yaml of the project says, where there is one.

    others  its other settings of training
    fault   why it cannot be read; what it says is then not carried over
    """

    top: Mapping[str, Any]
    train: TrainSettings
    others: Mapping[str, Any]
    require_acceptance: Mapping[str, Any]
    fault: str = ""


@dataclass(frozen=True)
class Chosen:
    """values: of the fields, as typed. errors: {field: line}, "" for one that is of no field. text: of the settings
    file, "" where there are errors."""

    values: Mapping[str, str]
    errors: Mapping[str, str]
    text: str = ""


def read_project(site: Site) -> Project:
    path, usual = site.project / "assay.yaml", TrainSettings()
    if not path.is_file():
        return Project({}, usual, {}, {})
    try:
        document = read_document(path)
        train, _ = parse(TrainSettings, document.section("train"))
    except AssayError as error:
        return Project({}, usual, {}, {}, str(error))
    plain, default = to_json(train), to_json(usual)
    others = {name: value for name, value in plain.items() if name not in BY_FORM and value != default[name]}
    synth = document.data.get("synth")
    rule = {name: value for name, value in synth.items() if name == RULE} if isinstance(synth, Mapping) else {}
    return Project(document.data, train, others, rule)


def first_values(site: Site, project: Project) -> dict[str, str]:
    """Of the fields before anything was chosen."""
    train = project.train
    model = str(project.top.get("model_name_or_path") or DEFAULT_MODEL)
    runs = site.data_runs()
    general = (train.general_data,) if isinstance(train.general_data, str) else train.general_data
    return {
        "data": runs[0] if runs else "",
        "path": "",
        "model": model if model in EMBEDDED else "",
        "model_path": "" if model in EMBEDDED else model,
        "preset": train.preset,
        "lora_r": _typed(train.lora_r),
        "num_train_epochs": _typed(train.num_train_epochs),
        "learning_rate": _typed(train.learning_rate),
        "load_in_4bit": CHECKED if train.load_in_4bit else "",
        "general_data": "\n".join(general),
        "general_ratio": _typed(train.general_ratio),
        "others": CHECKED if project.others else "",
    }


def choose(site: Site, values: Mapping[str, str]) -> Chosen:
    """values: of the fields, as they came; whatever they hold."""
    given = {name: values.get(name, "") for name in FIELDS}
    project = read_project(site)
    errors: dict[str, str] = {}
    data = _noting(errors, "path" if given["path"].strip() else "data", lambda: _data(site, given))
    model = _noting(errors, "model_path" if given["model_path"].strip() else "model", lambda: _model(site, given))
    train = _train(site, given, project, errors)
    if not errors:
        errors |= _together(train)
    if errors:
        return Chosen(given, errors)
    rate = rate_for(str(model))
    if rate is not None and "learning_rate" not in train:
        train["learning_rate"] = rate
    document = _document(site, project, str(data), str(model), train)
    return Chosen(given, {}, settings_text(document))


def settings_text(document: Mapping[str, Any]) -> str:
    """Whatever was typed stays a value: YAML's own writer quotes it."""
    import yaml

    return HEAD + yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=110)


def _document(site: Site, project: Project, data: str, model: str, train: Mapping[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = {"version": 1, "model_name_or_path": model}
    if model == project.top.get("model_name_or_path"):
        document |= {name: project.top[name] for name in ("revision", "trust_remote_code") if name in project.top}
    if site.store.root.resolve() != (site.project / ".assay").resolve():
        document["store"] = _from(site.project, site.store.root)
    document["data"] = [{"path": data}]
    if project.require_acceptance:
        document["synth"] = dict(project.require_acceptance)
    return {**document, "train": dict(train)}


def _data(site: Site, given: Mapping[str, str]) -> str:
    typed = given["path"].strip()
    if typed:
        return _existing(site, typed)
    if not given["data"]:
        raise SettingsError("choose a run, or name a file or folder")
    try:
        if given["data"] not in site.data_runs():
            raise NoSuchRunError(f"no curated data '{given['data']}'")
        return _from(site.project, site.folder(given["data"]))
    except NoSuchRunError as error:
        raise SettingsError(f"there is no curated data '{given['data']:.80}' here any more") from error


def _existing(site: Site, typed: str) -> str:
    """As it is written into the settings: from the project's folder where it is in it. Raises SettingsError."""
    if "\0" in typed:
        raise SettingsError("a path cannot hold the character U+0000")
    try:
        path = site.project / Path(typed).expanduser()
        there = path.exists()
    except (OSError, RuntimeError, ValueError) as error:
        raise SettingsError(f"cannot be looked up ({getattr(error, 'strerror', None) or error})") from error
    if not there:
        raise SettingsError(f"no such file or folder; paths begin at {site.project.resolve()}")
    return _from(site.project, path)


def _from(project: Path, path: Path) -> str:
    """Raises SettingsError for a name that is no text, which no settings file can hold."""
    root, resolved = project.resolve(), path.resolve()
    name = str(resolved.relative_to(root)) if resolved.is_relative_to(root) and resolved != root else str(resolved)
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise SettingsError("its name is no valid text; rename it") from error
    return name


def _model(site: Site, given: Mapping[str, str]) -> str:
    typed = given["model_path"].strip()
    if not typed:
        if given["model"] not in EMBEDDED:
            raise SettingsError("choose a model, or name a folder or a hub id")
        return given["model"]
    if "\0" not in typed:
        try:
            folder = site.project / Path(typed).expanduser()
            if folder.is_dir():
                return str(folder.resolve())
        except (OSError, RuntimeError, ValueError):
            pass
    if typed not in EMBEDDED and not HUB_ID.fullmatch(typed):
        raise SettingsError("no such folder, and no id of the hub (such as Qwen/Qwen3-0.6B)")
    return typed


def _train(site: Site, given: Mapping[str, str], project: Project, errors: dict[str, str]) -> dict[str, Any]:
    train: dict[str, Any] = {"preset": given["preset"], "load_in_4bit": given["load_in_4bit"] == CHECKED}
    if given["preset"] not in PRESETS:
        errors["preset"] = f"choose one of {', '.join(PRESETS)}"
    for name, read in (("lora_r", _whole), ("num_train_epochs", _number), ("learning_rate", _number)):
        typed = given[name].strip()
        if typed:
            train[name] = _noting(errors, name, lambda typed=typed, read=read, name=name: read(typed, MOST[name]))
    lines = [line.strip() for line in given["general_data"].splitlines() if line.strip()]
    if lines:
        train["general_data"] = _noting(errors, "general_data", lambda: [_general(site, line) for line in lines])
    if given["general_ratio"].strip():
        train["general_ratio"] = _noting(errors, "general_ratio", lambda: _share(given["general_ratio"], bool(lines)))
    if given["others"] == CHECKED:
        train |= project.others
    return train


def _general(site: Site, line: str) -> str:
    try:
        return _existing(site, line)
    except SettingsError as error:
        raise SettingsError(f"{line:.120}: {error.what}") from error


def _share(typed: str, has_data: bool) -> float:
    share = _number(typed.strip(), 1.0)
    if share >= 1:
        raise SettingsError("should be a share below 1, such as 0.3")
    if not has_data:
        raise SettingsError("there is no general data to draw from; name some, or leave this empty")
    return share


def _whole(typed: str, most: float) -> int:
    if not typed.isascii() or not typed.isdigit() or not 0 < float(typed[:12]) <= most or len(typed) > 12:
        raise SettingsError(f"should be a whole number from 1 to {most:,.0f}")
    return int(typed)


def _number(typed: str, most: float) -> float:
    try:
        number = float(typed) if typed.isascii() and "_" not in typed else math.nan
    except ValueError:
        number = math.nan
    if not 0 < number <= most:
        raise SettingsError(f"should be a number above 0, at most {most:,g}")
    return number


def _together(train: Mapping[str, Any]) -> dict[str, str]:
    """What the settings refuse as a whole."""
    try:
        parse(TrainSettings, Document(dict(train), "the settings"))
    except SettingsError as error:
        name = next((name for name in BY_FORM if error.what.lstrip("'").startswith(name)), "")
        return {name: error.what if error.fix is None else f"{error.what}; {error.fix}"}
    return {}


def _noting(errors: dict[str, str], name: str, read: Any) -> Any:
    try:
        return read()
    except SettingsError as error:
        errors[name] = error.what
        return None


def _typed(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
