"""A run on a rented GPU is planned on a laptop that has none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from assay.dataset import Dataset
from assay.errors import SettingsError
from assay.train.planning.command import plan
from assay.train.planning.machine import this_machine
from assay.train.settings import TrainSettings

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")


@pytest.mark.parametrize("more", [["train.device=cuda"], ["train.use_liger_kernel=true"], ["train.report_to=flyte"]])
def test_what_the_run_needs_need_not_be_here(
    more: list[str], model_folder: Path, make_colours: Callable[..., Dataset], tmp_path: Path
) -> None:
    make_colours(24).write_parquet(tmp_path / "data.parquet")
    arguments = [str(tmp_path / "data.parquet"), "--model", str(model_folder), "--json", "-q", *more]
    done = CliRunner().invoke(plan, arguments)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["cards"] and (found["here"] is None) == ("train.device=cuda" in more)


def test_a_device_that_there_is_not_is_refused_all_the_same() -> None:
    with pytest.raises(SettingsError, match="no device 'tpu'"):
        this_machine(TrainSettings(device="tpu"))
