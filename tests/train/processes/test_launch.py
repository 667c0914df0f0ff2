"""What is written for several devices is what accelerate reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import SettingsError
from assay.train.processes.launch import Launch, Strategy, by_hand, write_config


@pytest.mark.parametrize(("strategy", "kind"), [("ddp", "MULTI_GPU"), ("fsdp", "FSDP"), ("deepspeed", "DEEPSPEED")])
def test_accelerates_own_reader_takes_the_settings(tmp_path: Path, strategy: Strategy, kind: str) -> None:
    from accelerate.commands.config.config_args import load_config_from_file

    write_config(Launch(strategy, 4, "bfloat16", on_gpu=True), tmp_path / "accelerate.yaml")
    read = load_config_from_file(str(tmp_path / "accelerate.yaml"))
    assert (str(read.distributed_type).rpartition(".")[2], read.num_processes, read.mixed_precision) == (
        kind,
        4,
        "bf16",
    )


def test_the_settings_of_qlora_say_what_its_weights_are_stored_as(tmp_path: Path) -> None:
    """FSDP shares out floats alone: https://huggingface.co/docs/bitsandbytes/fsdp_qlora"""
    path = tmp_path / "accelerate.yaml"
    write_config(Launch("fsdp", 2, "bfloat16", on_gpu=True, load_in_4bit=True), path)
    assert "stored as bfloat16 (bnb_4bit_quant_storage)" in path.read_text(encoding="utf-8")
    write_config(Launch("fsdp", 2, "bfloat16", on_gpu=True), path)
    assert "bnb_4bit_quant_storage" not in path.read_text(encoding="utf-8")


def test_a_group_of_one_is_refused() -> None:
    with pytest.raises(SettingsError, match="is no group"):
        Launch("ddp", 1, "float32", on_gpu=False)


def test_deepspeed_without_a_gpu_is_refused() -> None:
    with pytest.raises(SettingsError, match="needs GPUs"):
        Launch("deepspeed", 2, "float32", on_gpu=False)


def test_on_cpus_the_command_by_hand_needs_no_mpi(tmp_path: Path) -> None:
    said = by_hand(Launch("ddp", 2, "float32", on_gpu=False), tmp_path / "accelerate.yaml")
    assert said == "torchrun --nproc_per_node 2 -m assay train ..."
