"""The line that serves several adapters is one that vLLM takes, and says whom it leaves out."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

from assay.train.merging.serving import Served, side_by_side


def adapter(folder: Path, *, template: str = "t", quantisation: str | None = None, **config: Any) -> Served:
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps({"r": 8, **config}))
    (folder / "assay.json").write_text(json.dumps({"template_sha256": template, "quantisation": quantisation}))
    (folder / "chat_template.jinja").write_text(template)
    return Served(folder.name, folder)


def test_the_highest_rank_of_all_is_named_as_vllm_takes_it(tmp_path: Path) -> None:
    """vLLM refuses an adapter above its limit, which is 16 unless it is told."""
    both = [adapter(tmp_path / "a"), adapter(tmp_path / "b c", r=24, rank_pattern={"q_proj": 40})]
    (line,) = side_by_side("org/base", both)
    words = shlex.split(line.removeprefix("side by side: "))
    assert words == [
        "vllm", "serve", "org/base", "--enable-lora", "--max-lora-rank", "64", "--chat-template",
        str(tmp_path / "a" / "chat_template.jinja"), "--lora-modules", f"a={tmp_path / 'a'}", f"b c={tmp_path / 'b c'}",
    ]  # fmt: skip


def test_adapters_of_two_templates_are_not_served_by_one(tmp_path: Path) -> None:
    """A server has one template: an adapter asked in another than its own is another adapter."""
    found = side_by_side(
        "base", [adapter(tmp_path / "a"), adapter(tmp_path / "b"), adapter(tmp_path / "c", template="other")]
    )
    assert len(found) == 2 and "c=" not in found[0]
    assert "adapters of another chat template need a server of their own" in found[1]
    assert side_by_side("base", [adapter(tmp_path / "d"), adapter(tmp_path / "e", template="other")]) == []


def test_what_vllm_has_no_place_for_is_said(tmp_path: Path) -> None:
    several = [adapter(tmp_path / "a"), adapter(tmp_path / "b"), adapter(tmp_path / "c", use_dora=True)]
    found = side_by_side("base", several)
    assert found[0] == "c is served by itself, merged: it has DoRA, which vLLM lays over no base"
    assert "c=" not in found[1]


def test_what_was_trained_in_4_bits_is_said_to_answer_otherwise_over_16(tmp_path: Path) -> None:
    both = [adapter(tmp_path / name, quantisation="nf4") for name in "ab"]
    assert side_by_side("base", both)[1].startswith(
        "trained over the base in nf4: over its own weights they answer otherwise"
    )
