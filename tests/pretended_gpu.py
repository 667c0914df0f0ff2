"""A GPU that is not there: tensors that say they are on it, and whose numbers the processor computes.

What a GPU refuses is refused: operands on two devices, numpy's view of memory that is not the processor's, a generator
of another device, and float64 on Apple's. What comes out are numbers, which can be held against those of the processor
alone; torch's FakeTensor, which this follows (`torch._subclasses.fake_tensor`), has none, and stops where one decides.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from assay.errors import MissingExtraError
from assay.models import import_bitsandbytes

PLACED = torch.ops.aten
BETWEEN_DEVICES = {PLACED.copy_, PLACED._to_copy, PLACED._foreach_copy_, PLACED.set_}
INDEXED_BY_EITHER = {PLACED.index, PLACED.index_put, PLACED.index_put_, PLACED._index_put_impl_}
"""Take their indices from the processor too."""


class OnGpu(torch.Tensor):
    """Its Python side says `device`, its C++ side is the processor's: so autograd runs in a torch without CUDA.

    numbers: a tensor of the processor, with the same shape and strides.
    """

    numbers: torch.Tensor
    place: torch.device

    @staticmethod
    def __new__(cls, numbers: torch.Tensor, place: torch.device) -> OnGpu:
        made: OnGpu = torch.Tensor._make_wrapper_subclass(
            cls,
            numbers.size(),
            strides=numbers.stride(),
            storage_offset=numbers.storage_offset(),
            dtype=numbers.dtype,
            device="cpu",
        )
        made.numbers, made.place = numbers, place
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return compute(func, args, kwargs or {})

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return self.place

    @property
    def is_cuda(self) -> bool:  # type: ignore[override]
        return self.place.type == "cuda"

    @property
    def data(self) -> torch.Tensor:
        return torch.Tensor.data.__get__(self)  # type: ignore[attr-defined,no-any-return]

    @data.setter
    def data(self, value: torch.Tensor) -> None:
        assert isinstance(value, OnGpu)
        torch.Tensor.data.__set__(self, value)  # type: ignore[attr-defined]
        self.numbers, self.place = value.numbers, value.place

    def to(self, *arguments: Any, **named: Any) -> torch.Tensor:
        """C++ takes it for a tensor of the processor already."""
        if arguments and isinstance(arguments[0], torch.Tensor):
            arguments = (arguments[0].device, arguments[0].dtype, *arguments[1:])
        named.pop("copy", None)
        device, dtype, _, layout = torch._C._nn._parse_to(*arguments, **named)
        kinds = {} if layout is None else {"memory_format": layout}
        if (device is None or _whole(device) == self.place) and dtype in (None, self.dtype):
            return self
        return torch.ops.aten._to_copy(self, dtype=dtype, device=device or self.place, **kinds)  # type: ignore[no-any-return]

    def cpu(self, *_: Any) -> torch.Tensor:
        return self.to("cpu")

    def cuda(self, device: Any = "cuda:0", *_: Any) -> torch.Tensor:
        return self.to(torch.device(device))

    def untyped_storage(self) -> torch.UntypedStorage:
        return self.numbers.untyped_storage()

    def data_ptr(self) -> int:
        return self.numbers.data_ptr()

    def tolist(self) -> Any:
        return self.numbers.tolist()

    def numpy(self, *, force: bool = False) -> Any:
        raise TypeError(f"can't convert {self.place} device type tensor to numpy. Use Tensor.cpu() to copy it first.")

    def __tensor_flatten__(self) -> Any:
        """Known to be a wrapper, it is swapped into modules that move, which keeps tied weights tied."""
        return ["numbers"], self.place

    @staticmethod
    def __tensor_unflatten__(inner: dict[str, torch.Tensor], place: torch.device, size: Any, stride: Any) -> OnGpu:
        return OnGpu(inner["numbers"], place)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.numbers.__reduce_ex__(protocol)

    def __repr__(self) -> str:  # type: ignore[override]
        return f"{self.place}: {self.numbers!r}"


class Autocast(torch.amp.autocast_mode.autocast):
    """That of the processor does the work, since the tensors are its own to C++."""

    def __init__(self, device_type: str, *arguments: Any, **named: Any) -> None:
        super().__init__("cpu", *arguments, **named)


class Pretended(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Makes tensors on a GPU that is not there, as FakeTensorMode does: no driver is asked for."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._mode_key = torch._C._TorchDispatchModeKey.FAKE

    def __enter__(self) -> Any:
        self._lifted = torch._C._only_lift_cpu_tensors()
        torch._C._set_only_lift_cpu_tensors(True)
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        torch._C._set_only_lift_cpu_tensors(self._lifted)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return compute(func, args, kwargs or {})

    @classmethod
    def is_infra_mode(cls) -> bool:
        return True


_last: list[torch.device] = []
"""Where something was computed before."""


def compute(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """On the processor, what `func` would on the device of its operands. Raises RuntimeError as a GPU does."""
    kwargs |= {"pin_memory": False} if kwargs.get("pin_memory") else {}
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    if func is PLACED._has_compatible_shallow_copy_type.default:
        return False
    device = _device_of(func, tensors)
    wanted = kwargs.get("device")
    if wanted is not None and torch._C._current_graph_task_id() != -1 and (device or (not tensors and _last)):
        wanted = device or _last[0]  # autograd's own formulas ask C++ where the gradient is
    if device is None and (wanted is None or torch.device(wanted).type in ("cpu", "meta")):
        return func(*args, **kwargs)
    device = _whole(torch.device(wanted)) if wanted is not None else device
    assert device is not None
    _last[:] = [device]
    _check_generator(kwargs.get("generator"), device)
    plain = dict(kwargs)
    plain |= {"device": torch.device("cpu")} if wanted is not None else {}
    known = {id(leaf.numbers): leaf for leaf in tensors if isinstance(leaf, OnGpu)}
    func = {PLACED.addmm.dtype_out: _addmm_in_float32}.get(func, func)
    found = func(*tree_map(_numbers, args), **tree_map(_numbers, plain))
    return tree_map(lambda value: _placed(value, device, known), found)


def _addmm_in_float32(added: Any, a: Any, b: Any, out_dtype: Any, *, out: Any) -> Any:
    """Of half-precision matrices; no processor has it (TRL's fused head takes it on CUDA)."""
    return torch.add(added, a.float() @ b.float(), out=out)


def _numbers(value: Any) -> Any:
    return value.numbers if isinstance(value, OnGpu) else value


def _placed(value: Any, device: torch.device, known: dict[int, OnGpu]) -> Any:
    """What was changed in place stays the tensor that it was."""
    if not isinstance(value, torch.Tensor):
        return value
    before = known.get(id(value))
    if before is not None:
        if before.shape != value.shape:
            raise NotImplementedError("an operation that changes a shape in place is not pretended")
        return before
    if device.type == "cpu":
        return value
    if device.type == "mps" and value.dtype in (torch.float64, torch.complex128):
        raise TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64.")
    return OnGpu(value, device)


def _device_of(func: Any, tensors: list[torch.Tensor]) -> torch.device | None:
    """Of the operands; None where all are of the processor. Numbers without dimensions may come from there."""
    devices = {leaf.device for leaf in tensors if isinstance(leaf, OnGpu)}
    packet = getattr(func, "overloadpacket", None)
    if not devices:
        return None
    if packet in BETWEEN_DEVICES:
        return _whole(tensors[0].device)
    strangers = [leaf for leaf in tensors if not isinstance(leaf, OnGpu) and leaf.device.type == "cpu" and leaf.dim()]
    if packet in INDEXED_BY_EITHER and isinstance(tensors[0], OnGpu):
        strangers = []
    if len(devices) > 1 or strangers:
        found = ", ".join(sorted({str(device) for device in devices} | {str(leaf.device) for leaf in strangers}))
        raise RuntimeError(f"Expected all tensors to be on the same device, but found {found} ({func})")
    return devices.pop()


def _check_generator(generator: torch.Generator | None, device: torch.device) -> None:
    if generator is not None and generator.device.type != device.type:
        raise RuntimeError(f"Expected a '{device.type}' device type for generator but found '{generator.device.type}'")


def _whole(device: torch.device) -> torch.device:
    return torch.device(device.type, device.index or 0) if device.type != "cpu" else device


@contextlib.contextmanager
def pretended_apple() -> Iterator[None]:
    """Within the block this is a Mac with its own GPU, which has no float64, and no NVIDIA card."""
    patch = pytest.MonkeyPatch()
    try:
        for name in ("is_available", "is_built", "is_macos_or_newer"):
            patch.setattr(torch.backends.mps, name, lambda *_: True)
        patch.setattr(torch.mps, "empty_cache", lambda: None)
        with pretended(cards=0):
            yield
    finally:
        patch.undo()


def _ask_again() -> None:
    """transformers remembers what there is."""
    from transformers.utils import import_utils

    for name, function in vars(import_utils).items():
        if name.startswith("is_torch_") and hasattr(function, "cache_clear"):
            function.cache_clear()


def _with_its_number(tensor: torch.Tensor, move: Any, *arguments: Any, **named: Any) -> torch.Tensor:
    """`cuda` and `mps` are the first of their kind, where C++ would ask the driver which is in use."""

    if arguments and isinstance(arguments[0], OnGpu):
        arguments = (arguments[0].place, arguments[0].dtype, *arguments[1:])

    def whole(value: Any) -> Any:
        return _whole(torch.device(value)) if isinstance(value, str | torch.device) else value

    moved: torch.Tensor = move(tensor, *map(whole, arguments), **{name: whole(value) for name, value in named.items()})
    return moved


def _of_the_processor(ask: Any, device_type: str = "cpu") -> Any:
    return ask("cpu")


@contextlib.contextmanager
def pretended(cards: int = 1, capability: tuple[int, int] = (8, 0), free: int = 79 * 2**30) -> Iterator[None]:
    """Within the block `torch.cuda` says that there are so many cards, and tensors can be put on them.

    capability  (8, 0) of an A100 and later computes bfloat16, (7, 5) of a T4 does not

    Random numbers come from the processor's generator; no memory is counted, and there is no autograd thread a device.
    """
    with contextlib.suppress(MissingExtraError):
        import_bitsandbytes()  # which, imported later, would look for its kernels for the GPU
    patch = pytest.MonkeyPatch()
    current = [0]
    properties = SimpleNamespace(
        major=capability[0], minor=capability[1], name="pretended", total_memory=80 * 2**30, multi_processor_count=100
    )

    def index(device: Any = None) -> int:
        if device is None:
            return current[0]
        found = device if isinstance(device, int) else torch.device(device).index
        chosen = current[0] if found is None else int(found)
        if not 0 <= chosen < cards:
            raise AssertionError("Invalid device id")
        return chosen

    said: dict[str, Any] = {
        "is_available": lambda: cards > 0,
        "is_initialized": lambda: cards > 0,
        "_lazy_init": lambda: None,
        "device_count": lambda: cards,
        "current_device": lambda: current[0],
        "set_device": lambda device: current.__setitem__(0, index(device)),
        "get_device_properties": lambda device=None: properties if index(device) >= 0 else None,
        "get_device_capability": lambda device=None: capability if index(device) >= 0 else None,
        "get_device_name": lambda device=None: f"pretended {index(device)}",
        "is_bf16_supported": lambda including_emulation=True: capability >= (8, 0) or including_emulation,
        "mem_get_info": lambda device=None: (free, 80 * 2**30) if index(device) >= 0 else None,
        "memory_stats": lambda device=None: {"reserved_bytes.all.peak": 2**20} if index(device) >= 0 else {},
        "max_memory_reserved": lambda device=None: 2**20 if index(device) >= 0 else 0,
        "memory_reserved": lambda device=None: 0,
        "memory_allocated": lambda device=None: 0,
        "empty_cache": lambda: None,
        "synchronize": lambda device=None: None,
        "get_rng_state": lambda device="cuda": torch.get_rng_state(),
        "set_rng_state": lambda state, device="cuda": None,
        "get_rng_state_all": lambda: [torch.get_rng_state()] * cards,
        "set_rng_state_all": lambda states: None,
        "manual_seed_all": lambda seed: None,
    }
    patch.setenv("HF_DEACTIVATE_ASYNC_LOAD", "1")  # weights would be placed by threads, which know of no mode
    try:
        for name, value in said.items():
            patch.setattr(torch.cuda, name, value)
        for name in ("get_rng_state", "set_rng_state", "get_rng_state_all", "set_rng_state_all", "manual_seed_all"):
            patch.setattr(torch.cuda.random, name, said[name])
        for name in ("is_autocast_enabled", "get_autocast_dtype"):
            patch.setattr(torch, name, functools.partial(_of_the_processor, getattr(torch, name)))
        patch.setattr(torch.Tensor, "to", functools.partialmethod(_with_its_number, torch.Tensor.to))
        for module in (torch, torch.amp, torch.amp.autocast_mode):
            patch.setattr(module, "autocast", Autocast)
        _ask_again()
        with torch.autograd.set_multithreading_enabled(False), Pretended():
            yield
    finally:
        patch.undo()
        _ask_again()
