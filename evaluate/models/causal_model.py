"""A forward pass as scoring needs it: the head applied only where scores are read, keys and values kept for reuse.

Nothing in this module knows adapters: which one is switched on is the caller's affair (`switched_model.py`).
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from assay.errors import ModelError

if TYPE_CHECKING:
    import torch

KeysValues: TypeAlias = "list[tuple[torch.Tensor, torch.Tensor]]"
"""Of each layer, [1, heads, tokens, head size]."""

PACKING_ATTENTION = ("sdpa", "eager")
"""Attention implementations that take a mask of our own making."""


class Pace(NamedTuple):
    """How much a forward pass should hold, which depends on where it is computed.

    batch_tokens  tokens, padding included, beyond which a pass is no faster
    logits        at most; four bytes each, whatever the vocabulary
    pass_tokens   tokens computed in the time that a pass takes beside: its weights read, its layers called
    """

    batch_tokens: int
    logits: int
    pass_tokens: int


PROCESSOR = Pace(1024, 2**24, 16)
ACCELERATOR = Pace(2**20, 2**27, 1024)
"""Measured on a processor, where a pass of one token takes as long as 16 tokens of a pass of 256; estimated on an
accelerator, where that time goes into launching kernels."""

FEWEST_READS = 64
"""Positions that a pass may read whatever the vocabulary."""


@dataclass(frozen=True)
class CausalModel:
    """A decoder of transformers, with or without PEFT around it."""

    model: Any

    @property
    def device(self) -> torch.device:
        import torch

        return torch.device(self.model.device)

    @property
    def dtype(self) -> str:
        return str(self.model.dtype).removeprefix("torch.")

    @property
    def pace(self) -> Pace:
        return PROCESSOR if self.device.type == "cpu" else ACCELERATOR

    @property
    def most_reads(self) -> int:
        """Positions whose logits are computed in one forward pass, at most."""
        return max(FEWEST_READS, self.pace.logits // int(self._config.vocab_size))

    @property
    def keeps_all_keys(self) -> bool:
        """Whether attention is all that a layer remembers, so that a beginning can be shared."""
        return self._layer_kinds <= {"full_attention", "sliding_attention"}

    @cached_property
    def longest_branched(self) -> int | None:
        """Longest row that may stand behind a mask of our own making; 0 where none may, None without a limit.

        A sliding window looks at distances in the row, which packing changes. Where the model takes no mask for its
        sliding layers, rows stay within the window, where it does not matter. A model with a linear bias (ALiBi; Press
        et al. 2022) counts columns and takes no positions, so nothing may stand beside anything.
        """
        if self._config._attn_implementation not in PACKING_ATTENTION or not self.keeps_all_keys:
            return 0
        if not self._takes_positions:
            return 0
        if self.window is None or self._layer_types is None or self._takes_masks_by_kind:
            return None
        return self.window

    @cached_property
    def window(self) -> int | None:
        """Tokens that a sliding layer sees, its own included; None where no layer slides."""
        size = getattr(self._config, "sliding_window", None)
        slides = "sliding_attention" in self._layer_kinds or (
            self._layer_types is None and getattr(self._config, "use_sliding_window", True)
        )
        return int(size) if size and slides else None

    @property
    def _layer_types(self) -> list[str] | None:
        return getattr(self._config, "layer_types", None)

    @property
    def _layer_kinds(self) -> set[str]:
        return set(self._layer_types or ["full_attention"])

    @cached_property
    def _takes_masks_by_kind(self) -> bool:
        """Whether a mask for each kind of layer can be handed in, as Gemma and Qwen of transformers 5 allow."""
        import torch

        ids = torch.zeros(1, 2, dtype=torch.long, device=self.device)
        mask = torch.ones(1, 1, 2, 2, dtype=torch.bool, device=self.device).tril()
        try:
            with torch.inference_mode():
                self.model(input_ids=ids, attention_mask=dict.fromkeys(self._layer_kinds, self._added(mask)))
        except (TypeError, AttributeError, ValueError, KeyError, RuntimeError):
            return False
        return True

    @property
    def _config(self) -> Any:
        return self.model.config.get_text_config(decoder=True)

    @property
    def _takes_positions(self) -> bool:
        return "position_ids" in self._forward_arguments and not getattr(self._config, "alibi", False)

    @cached_property
    def _forward_arguments(self) -> frozenset[str]:
        """Names of what the decoder's own `forward` takes."""
        inner = self.model.get_base_model() if hasattr(self.model, "get_base_model") else self.model
        return frozenset(inspect.signature(type(inner).forward).parameters)

    @property
    def _cache_argument(self) -> str:
        """`past_key_values`, which transformers 5.2x calls `cache`."""
        return "cache" if "cache" in self._forward_arguments else "past_key_values"

    def logits_at(
        self,
        input_ids: torch.Tensor,
        reads: torch.Tensor,
        *,
        attention_mask: torch.Tensor | None,
        position_ids: torch.Tensor,
        cache: Any = None,
    ) -> torch.Tensor:
        """[n, vocabulary] in float32, at n flat positions (row x length + column) of `input_ids` [rows, length].

        attention_mask is None (causal, nothing padded on the left), [rows, cached + length], or boolean
        [rows, 1, length, cached + length], whose cached tokens stand at the first positions. A cache is appended to
        in place.
        """

        def keep_reads(_: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
            hidden, *rest = arguments
            return (hidden.reshape(-1, hidden.shape[-1])[reads].unsqueeze(0), *rest)

        arguments = {} if cache is None else {self._cache_argument: cache}
        hook = self.model.get_output_embeddings().register_forward_pre_hook(keep_reads)
        try:
            out = self.model(
                input_ids=input_ids,
                attention_mask=self._as_taken(attention_mask, position_ids),
                position_ids=position_ids,
                use_cache=cache is not None,
                **arguments,
            )
        finally:
            hook.remove()
        return out.logits[0].float()  # type: ignore[no-any-return]

    def _as_taken(self, mask: torch.Tensor | None, positions: torch.Tensor) -> Any:
        """A mask of our own, with the window of the layers that slide; any other as it is."""
        import torch

        if mask is None or mask.dim() != 4:
            return mask
        if self.window is None or self.longest_branched is not None:
            return self._added(mask)
        cached = torch.arange(mask.shape[-1] - positions.shape[-1], device=positions.device)
        keys = torch.cat([cached.expand(len(positions), -1), positions], dim=-1)
        near = keys[:, None, None, :] > positions[:, None, :, None] - self.window
        if self._layer_types is None:
            return self._added(mask & near)
        return {"full_attention": self._added(mask), "sliding_attention": self._added(mask & near)}

    def _added(self, mask: torch.Tensor) -> torch.Tensor:
        """Eager attention adds its mask to the scores; the kernels take booleans."""
        import torch

        if self._config._attn_implementation != "eager":
            return mask
        lowest = torch.finfo(self.model.dtype).min
        return torch.zeros(mask.shape, dtype=self.model.dtype, device=mask.device).masked_fill(~mask, lowest)

    def empty_cache(self) -> Any:
        from transformers import DynamicCache

        return DynamicCache(config=self.model.config)

    def prefix_cache(self, prefix: Sequence[int]) -> KeysValues:
        """Keys and values of a prefix, computed once; all of them, also where a layer slides."""
        import torch
        from transformers import DynamicCache

        cache = DynamicCache()
        ids = torch.tensor([list(prefix)], device=self.device)
        positions = torch.arange(len(prefix), device=self.device).unsqueeze(0)
        last = torch.tensor([len(prefix) - 1], device=self.device)
        self.logits_at(ids, last, attention_mask=None, position_ids=positions, cache=cache)
        return [(layer.keys, layer.values) for layer in cache.layers]

    def cache_of(self, prefix: KeysValues, rows: int) -> Any:
        """A cache that begins with the prefix in every row; the prefix itself is not copied until it grows."""
        from transformers import DynamicCache

        cache = DynamicCache()
        for number, (keys, values) in enumerate(prefix):
            cache.update(keys.expand(rows, -1, -1, -1), values.expand(rows, -1, -1, -1), number)
        return cache


def no_numbers(model: CausalModel) -> ModelError:
    """Of logits that are NaN or infinite."""
    if model.dtype == "float16":
        fix = "float16 ends at 65,504, which many a model exceeds: set evaluate.dtype=float32, or bfloat16"
    else:
        fix = "its weights or its adapter are damaged"
    return ModelError("the model gives NaN or infinite logits", fix=fix)


def common_prefix(sequences: Sequence[tuple[int, ...]] | Sequence[str]) -> int:
    """Length of the longest beginning that all share."""
    if not sequences:
        return 0
    low, high = min(sequences), max(sequences)
    return next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))
