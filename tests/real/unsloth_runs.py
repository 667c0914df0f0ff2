"""Small random models, trained by `assay train`'s own function over Unsloth's model, or over transformers'.

`python -m tests.real.unsloth_runs FOLDER RUNS.json unsloth|plain`, where RUNS.json is {name: {"family": ...,
"settings": {...}}}. Each run leaves FOLDER/NAME/unsloth or FOLDER/NAME/plain.

Unsloth's path for a GPU runs on this processor. It takes itself to have a GPU by its own switch for machines that test
it (UNSLOTH_ALLOW_CPU), Triton's interpreter computes its kernels, and what it asks of CUDA is answered here.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.real.liger_runs import USUAL, make_model, records
from tests.real.triton_interpreter import interpret

COUNTS: list[Counter[str]] = []
BEFORE: list[str] = []
"""What was imported before Unsloth."""


def numbers_of_16_bits() -> None:
    """Triton's interpreter keeps a bfloat16 as its bits, and would add and multiply those."""
    interpreter: Any = importlib.import_module("triton.runtime.interpreter")
    tl: Any = importlib.import_module("triton.language")
    numpy: Any = importlib.import_module("numpy")
    builder = interpreter.InterpreterBuilder

    def is_half(value: Any) -> bool:
        return isinstance(value, interpreter.TensorHandle) and value.dtype.scalar == tl.bfloat16

    def widened(name: str) -> None:
        original = getattr(builder, name)

        def operation(self: Any, *operands: Any, **named: Any) -> Any:
            if not any(map(is_half, operands)):
                return original(self, *operands, **named)
            wide = [self.cast_impl(value, tl.float32) if is_half(value) else value for value in operands]
            found = original(self, *wide, **named)
            return self.cast_impl(found, tl.bfloat16) if found.data.dtype == numpy.float32 else found

        setattr(builder, name, operation)

    for name in ("binary_op", "unary_op", "create_fma"):
        widened(name)


def as_with_a_gpu(import_unsloth: Callable[[], Any]) -> Any:
    """Unsloth as assay imports it, with all that it does to transformers, PEFT and TRL on a machine with a GPU."""
    if "unsloth" in sys.modules:
        return sys.modules["unsloth"]
    BEFORE.extend(name for name in ("transformers", "peft", "trl") if name in sys.modules)
    os.environ["UNSLOTH_ALLOW_CPU"] = "1"
    os.environ["UNSLOTH_COMPILE_DISABLE"] = "1"  # torch.compile cannot compile what is interpreted
    unsloth = import_unsloth()
    del os.environ["UNSLOTH_ALLOW_CPU"]
    llama: Any = importlib.import_module("unsloth.models.llama")
    # Left out under its switch: TRL's trainers as it rewrites them.
    importlib.import_module("unsloth.models.rl").PatchFastRL(FastLanguageModel=llama.FastLlamaModel)
    importlib.import_module("unsloth.trainer")._patch_trl_trainer()
    importlib.import_module("unsloth.context_parallel").patch_sft_trainer()
    _answer_for_cuda(llama)
    COUNTS.append(count_kernels())
    return unsloth


def count_kernels() -> Counter[str]:
    """How often each of its functions for adapters computes, from now on."""
    counts: Counter[str] = Counter()
    kernels: Any = importlib.import_module("unsloth.kernels.fast_lora")
    for name in ("LoRA_MLP", "LoRA_QKV", "LoRA_W"):
        function = getattr(kernels, name)

        def counted(*arguments: Any, name: str = name, forward: Any = function.forward) -> Any:
            counts[name] += 1
            return forward(*arguments)

        function.forward = staticmethod(counted)
    return counts


def watch_generations() -> list[bool]:
    """After each: whether any module keeps checkpoints of activations."""
    from assay.train.watching import generating

    found: list[bool] = []
    original = generating.generate

    def generate(model: Any, *arguments: Any) -> list[str]:
        answers = original(model, *arguments)
        found.append(any(getattr(module, "gradient_checkpointing", False) for module in model.modules()))
        return answers

    generating.generate = generate
    return found


def _answer_for_cuda(llama: Any) -> None:
    torch: Any = importlib.import_module("torch")
    torch.cuda.current_device = lambda: 0
    torch.cuda.get_device_capability = lambda *_: (8, 0)
    answers = {
        "get_device_stats": lambda: ("", "", 0),
        "is_bfloat16_supported": lambda: True,
        "get_current_device": lambda: torch.device("cpu"),
        "DEVICE_TYPE_TORCH": "cpu",
        "DEVICE_COUNT": 1,
        # It computes adapters of a float32 base as PEFT does; here its kernels are to compute them too.
        "_base_weight_dtype": lambda _: torch.bfloat16,
    }
    for name, module in list(sys.modules.items()):
        if name.startswith("unsloth.models."):
            vars(module).update({key: value for key, value in answers.items() if key in vars(module)})
    rotary = llama._PerDeviceRopeCache
    ensure = rotary._ensure_rope_cache

    def build(self: Any, index: int) -> None:
        size = self.current_rope_size
        self._set_cos_sin_cache(
            seq_len=self._rope_cache_rows(), device=torch.device("cpu", index), dtype=self._rope_cache_dtype
        )
        self.current_rope_size = size
        self._rope_cache_versions[index] = self._rope_cache_version

    rotary._build_rope_cache = build
    rotary._ensure_rope_cache = lambda self, index: ensure(self, index or 0)


def train_one(folder: Path, family: str, settings: dict[str, Any], backend: str) -> None:
    """Trains, or writes why not."""
    from assay.chat import load_target
    from assay.errors import AssayError
    from assay.sources.convert import as_dataset
    from assay.train import prepared
    from assay.train.methods import unsloth
    from assay.train.settings import TrainSettings
    from assay.train.stage import train

    if not hasattr(unsloth, "original"):
        unsloth.original = unsloth.import_unsloth  # type: ignore[attr-defined]
        unsloth.import_unsloth = lambda: as_with_a_gpu(unsloth.original)  # type: ignore[attr-defined]
    TrainSettings._check_unsloth = lambda _: None  # type: ignore[method-assign]  # float32 shows more digits
    prepared.check_kernels = lambda *_: None  # there is no GPU; what else is refused stays refused
    said: list[str] = []
    checkpointed = watch_generations()
    try:
        target = load_target(str(make_model(folder.parent.parent / "models" / family, family)), offline=True)
        chosen = TrainSettings(**{**USUAL, **settings, "backend": backend})
        train(as_dataset(records(8)), chosen, folder, target, say=said.append)
    except AssayError as error:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "error.txt").write_text(f"{type(error).__name__}: {error}", encoding="utf-8")
    (folder / "said.txt").write_text("\n".join(said), encoding="utf-8")
    (folder / "checkpointed.json").write_text(json.dumps(checkpointed), encoding="utf-8")
    (folder / "before.json").write_text(json.dumps(BEFORE), encoding="utf-8")
    for counts in COUNTS:
        (folder / "kernels.json").write_text(json.dumps(counts), encoding="utf-8")
        counts.clear()


def main(folder: Path, runs: dict[str, Any], arm: str) -> None:
    for name, run in runs.items():
        begun = time.process_time()
        (folder / name).mkdir(parents=True, exist_ok=True)
        train_one(folder / name / arm, run["family"], run["settings"], "unsloth" if arm == "unsloth" else "trl")
        print(f"{name} {arm}: {time.process_time() - begun:.1f} s", flush=True)


if __name__ == "__main__":
    interpret()
    numbers_of_16_bits()
    main(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")), sys.argv[3])
