"""What is written for several devices is what accelerate reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import SettingsError
from assay.train.processes.launch import Launch, Strategy, by_hand, check_devices, write_config
from assay.train.recipe import Hardware
from assay.train.settings import TrainSettings
from tests.train.processes.conftest import assay_train


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


def test_a_stage_of_zero_without_deepspeed_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"--zero-stage 2 is of DeepSpeed, and --strategy is fsdp; --strategy deep"):
        Launch("fsdp", 2, "float32", on_gpu=False, zero_stage=2)
    assert Launch("deepspeed", 2, "float32", on_gpu=False).stage == 3


def test_one_gpu_named_for_several_processes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    launch, gpu = Launch("ddp", 4, "float32", on_gpu=True), Hardware("cuda:1", computes_bf16=True)
    with pytest.raises(SettingsError, match="device: cuda:1 is one GPU, and --processes 4 takes one for each"):
        check_devices(launch, TrainSettings(device="cuda:1"), gpu)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    with pytest.raises(SettingsError, match="--processes 4 takes a GPU for each, and there are 2"):
        check_devices(launch, TrainSettings(), gpu)
    check_devices(Launch("ddp", 2, "float32", on_gpu=True), TrainSettings(), gpu)


def test_on_cpus_the_command_by_hand_needs_no_mpi(tmp_path: Path) -> None:
    said = by_hand(Launch("ddp", 2, "float32", on_gpu=False), tmp_path / "accelerate.yaml")
    assert said == "torchrun --nproc_per_node 2 -m assay train ..."


def test_by_hand_each_process_is_told_how_to_share(tmp_path: Path) -> None:
    path = tmp_path / "accelerate.yaml"
    said = by_hand(Launch("deepspeed", 2, "float32", on_gpu=False, zero_stage=2), path)
    told = "ACCELERATE_USE_DEEPSPEED=true ACCELERATE_DEEPSPEED_ZERO_STAGE=2"
    assert said == f"{told} torchrun --nproc_per_node 2 -m assay train ..."
    said = by_hand(Launch("fsdp", 2, "float32", on_gpu=False), path)
    assert said == "ACCELERATE_USE_FSDP=true torchrun --nproc_per_node 2 -m assay train ..."


@pytest.mark.parametrize("asked", [("--strategy", "fsdp"), ("--strategy", "deepspeed", "--zero-stage", "2")])
def test_a_strategy_without_processes_is_not_passed_over(place: Path, asked: tuple[str, ...]) -> None:
    done = assay_train(place, "one", *asked)
    assert done.returncode == 2
    told = f"assay: --strategy {asked[1]} shares out among processes; say how many: --processes 2\n"
    assert done.stderr == told
    assert not (place / "one").exists()
