"""Adapters are laid over a base without what none of its layers needs."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

IN_ONE_PROCESS = """
import sys
from pathlib import Path
from assay.models import load_adapter, load_base, prove_adapter, resolve
ref, folder = resolve(sys.argv[1]), Path(sys.argv[2])
plain = load_adapter(load_base(ref, device="cpu"), folder, "candidate")
assert prove_adapter(plain, "candidate", [1, 2, 3, 4]).nonzero
assert "bitsandbytes" not in sys.modules, "PEFT has imported it"
in_4bit = load_adapter(load_base(ref, load_in_4bit=True, device="cpu"), folder, "candidate")
assert "bitsandbytes" in sys.modules
from peft.tuners.lora.bnb import Linear4bit
assert any(isinstance(module, Linear4bit) for module in in_4bit.modules()), "PEFT does not know 4-bit layers any more"
assert prove_adapter(in_4bit, "candidate", [1, 2, 3, 4]).nonzero
"""


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is None, reason="bitsandbytes is not installed")
def test_bitsandbytes_is_left_alone_until_a_model_is_quantised(tiny_model: Path, tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    config = LoraConfig(r=4, target_modules=["q_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
    get_peft_model(AutoModelForCausalLM.from_pretrained(tiny_model), config).save_pretrained(str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", IN_ONE_PROCESS, str(tiny_model), str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
