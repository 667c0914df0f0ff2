"""What `assay init` writes: settings with a comment each, a suite, a policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import SettingsError
from assay.storage import write_text
from assay.suites.general import BUNDLED, TIERS, general_names, parameters_of, tier_by_name, tier_for

if TYPE_CHECKING:
    from assay.suites import Suite


@dataclass(frozen=True)
class Start:
    """What the user said. suite None: one is set aside from the data.

    train     settings of another trainer under the names of assay; empty for the usual ones
    revision  of a base on the hub
    """

    data: tuple[str, ...]
    format: str
    columns: Mapping[str, str]
    model: str
    suite: Path | None
    seed: int
    train: Mapping[str, Any] = field(default_factory=dict)
    revision: str | None = None


SETTINGS = """\
# Settings of assay. `assay run` does all of it; each stage alone reads its own section.
# Any value can be overridden on the command line: assay run assay.yaml train.lora_r=8
version: 1

# A hub id, a folder, or the name of an embedded model. An instruct variant brings its chat template.
model_name_or_path: {model}

# Paths are relative to this file. format and columns are detected; give them where detection is wrong:
#   - {{path: data.csv, columns: {{prompt: question, answer: reply}}}}
data:
{data}

curate:
  purpose: domain        # style | formatting | domain | shift: how many records are usually needed
  # checks:              # `assay audit --list` names them; `assay audit --explain CHECK` tells what each does
  #   near_duplicate: {{threshold: 0.8, decision: drop}}
  #   house_rules: {{file: house_rules.yaml}}   # how answers of your house are written: docs/style.md
  split: {{validation: 0.1}}   # families of duplicates stay on one side

synth:
  enabled: false         # more wordings of your prompts; every one is judged by curate
  provider: local        # openai | anthropic | openai_compatible | local
  # model: NAME          # for a paid provider give its price too: price: {{input: 0.15, output: 0.60}}
  methods: {{paraphrase: {{count: 50}}}}
  max_usd: 5             # never exceeded, retries included
  max_requests: 1000

train:
{train}
  # general_data: [general.jsonl]   # records that are not about your task, mixed in so that less is forgotten
  # general_ratio: 0.3              # their share of all that trains

evaluate:
  suites: [{suite}]
  include_path: {bundled}  # general suites that come with assay, for bases of about {size}; others: {others}
  # tasks: [arc_challenge, hellaswag, gsm8k]   # in their place, or beside them by name: any task of lm-eval

gate:
  policy: policy.yaml
"""

TRAIN = """\
  load_in_4bit: true     # QLoRA; false for LoRA where memory allows
  lora_r: 16             # 8 for formatting, 32 for larger shifts; lora_alpha is twice this
  num_train_epochs: 3
  learning_rate: 2.0e-4"""

POLICY = """\
# When is an adapter fit to release? Shares of 1, not percent.
version: 1
alpha: 0.05            # chance, at most, of each wrong proof
margin: {margin}           # loss of general ability (average over the suites) that is tolerated, to be proved
guardrail: 0.1         # a proved loss beyond this on one suite blocks
min_gain: 0.0          # gain on the domain that must be proved to be exceeded
# min_score: 0.8       # score of the candidate there that must be proved to be exceeded, whatever the base scores
on_inconclusive: fail  # fail | warn
# max_kl: 0.2          # nats that answers may move from the base's, on average over the general suites, to be proved
suites:
  {suite}:
    role: domain
    required: true
{slices}
{general}
"""

SMALLEST_MARGIN = 0.05
"""What about a thousand paired items can prove; two points take six times as many."""


def start_project(start: Start, folder: Path, *, force: bool, say: Callable[[str], None]) -> list[Path]:
    """Writes assay.yaml, policy.yaml and, unless one is given, a suite. The first path is the training data.

    Raises SettingsError when a file is there already, SourceError, SuiteError.
    """
    from assay.sources import ReadSettings, read
    from assay.suites import read_suite, suite_name

    settings_path, policy_path = folder / "assay.yaml", folder / "policy.yaml"
    if not force:
        for path in (settings_path, policy_path):
            if path.exists():
                raise SettingsError("is there already", where=str(path), fix="--force overwrites it")
    dataset = read(start.data, ReadSettings(start.format, start.columns))
    for note in dataset.notes:
        say(note)
    written: list[Path] = []
    if start.suite is None:
        from assay.stages import init_suite

        made = init_suite(dataset, folder / "suites", name=suite_name(start.data[0]), seed=start.seed, force=force)
        for note in made.notes:
            say(note)
        suite_path, sources = made.suite_path, [made.training_path]
        written += [made.training_path, made.suite_path, made.items_path]
    else:
        suite_path, sources = start.suite, [Path(name) for name in start.data]
        written += sources
    suite = read_suite(suite_path)
    tier = _tier(start.model)
    general = "\n".join(f"  {name}: {{role: general, required: true}}" for name in general_names(tier))
    columns = {} if start.suite is None else start.columns
    write_text(
        settings_path,
        SETTINGS.format(
            model=_scalar(start.model) + (f"\nrevision: {_scalar(start.revision)}" if start.revision else ""),
            train=_train(start.train),
            data="\n".join(f"  - {_source(path, folder, start.format, columns)}" for path in sources),
            suite=_relative(suite_path, folder),
            bundled=f"{BUNDLED}:{tier}",
            size=SIZES[tier],
            others=", ".join(other for other in TIERS if other != tier),
        ),
    )
    policy = POLICY.format(suite=suite.name, slices=_slices(suite), general=general, margin=SMALLEST_MARGIN)
    write_text(policy_path, policy)
    return [*written, settings_path, policy_path]


def _scalar(value: str) -> str:
    """A value of YAML on one line, whatever stands in it."""
    import json
    import re

    return value if re.fullmatch(r"[A-Za-z][\w./-]*", value) else json.dumps(value)


def _train(given: Mapping[str, Any]) -> str:
    """The section's lines: the usual ones with their comments, or what another trainer's file said."""
    import textwrap

    import yaml

    if not given:
        return TRAIN
    return textwrap.indent(yaml.safe_dump(dict(given), sort_keys=False, allow_unicode=True).rstrip("\n"), "  ")


def _slices(suite: Suite) -> str:
    """Commented lines that guard the suite's largest slices by themselves, or show how where it has none."""
    import json
    from collections import Counter

    found = Counter(item.slice for item in suite.items if item.slice is not None).most_common(2)
    names = [name for name, _ in found] or ["NAME"]
    why = "a part that is guarded by itself" if found else "once items have a `slice`: a part that is guarded by itself"
    lines = [f"    # slices:            # {why}; a proved loss beyond its guardrail blocks"]
    return "\n".join([*lines, *(f"    #   {json.dumps(name)}: {{guardrail: 0.15}}" for name in names)])


SIZES = {"small": "0.1B", "medium": "8B", "large": "70B"}


def _tier(model: str) -> str:
    """The tier of general suites for a model that need not be here: a folder's config says it, else the name."""
    from assay.models import ModelRef, load_config

    folder = Path(model)
    if (folder / "config.json").is_file():
        return tier_for(parameters_of(load_config(ModelRef(model, folder, None, False))))
    return tier_by_name(model)


def _source(path: Path, folder: Path, data_format: str, columns: Mapping[str, str]) -> str:
    import json

    parts = [f"path: {json.dumps(_relative(path, folder))}", f"format: {data_format}"]
    if columns:
        parts.append("columns: {" + ", ".join(f"{key}: {json.dumps(value)}" for key, value in columns.items()) + "}")
    return "{" + ", ".join(parts) + "}"


def _relative(path: Path, folder: Path) -> str:
    import os

    return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
