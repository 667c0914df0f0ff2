"""TRL's SFTTrainer and PEFT, set up from a recipe."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.chat import ChatTarget
from assay.errors import SettingsError
from assay.models.hub import first_line

from .before.checked import checked
from .before.own_loss import check_own_loss
from .checkpoints import TRAINER_STATE, Checkpoints, best_step, had_stopped
from .collator import Collator
from .dropout import speed_up_dropout
from .gradient_check import GradientEvidence, check_gradient, gradient_of
from .methods.backbone import name_backbone
from .methods.liger import Gradient, liger_kernels
from .methods.lora import lora_config
from .methods.loraplus import speed_up_b
from .methods.new_tokens import let_the_head_be_read
from .methods.packing import as_items, check_isolation, packs_of
from .methods.target_modules import left_alone
from .methods.unsloth import adapt, by_transformers, quietly, ready_to_train
from .order import training_order
from .processes.sharding import use_fsdp
from .processes.strategy import sharing, whole_tensors
from .processes.zero import prepare, use_zero
from .progress import Watch
from .recipe import Recipe
from .rows import Row, Rows
from .watching.trackers import PROJECT, trackers

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, TrainerCallback
    from trl import SFTConfig, SFTTrainer

EAGER_ATTENTION_UP_TO = 256
"""Tokens up to which plain matrix products beat the blocked attention kernel on a CPU (by a tenth of a step)."""


def build_trainer(
    model: PreTrainedModel,
    recipe: Recipe,
    rows: Rows,
    target: ChatTarget,
    checkpoints: Checkpoints,
    watch: Watch,
    *,
    resumes: bool,
) -> SFTTrainer:
    """A trainer whose rows come in a fixed order, whose adapter is float32, and which tells no one anything.

    Raises SettingsError when lora_target_modules match nothing that can be adapted.
    """
    from transformers import EarlyStoppingCallback, PrinterCallback

    _forbid_telemetry()
    name_backbone(model)
    config = lora_config(recipe, model)
    adapted = bool(recipe.lora_target_parameters)
    note = left_alone(model, adapted=adapted, load_in_4bit=recipe.load_in_4bit)
    if note is not None:
        watch.say(f"note: {note}")
    _choose_attention(model, recipe, max(rows.longest, recipe.packed_length))
    validated = bool(rows.validation)
    by_unsloth = recipe.backend == "unsloth"
    with quietly() if by_unsloth else contextlib.nullcontext():
        trainer = _trainer_class(recipe)(
            model=adapt(model, config, recipe) if by_unsloth else model,
            args=_arguments(recipe, checkpoints.folder, validated=validated, resumes=resumes),
            data_collator=Collator(recipe.pad_token_id),
            train_dataset=_packed(rows.training, recipe) if recipe.packing else _in_order(rows.training, recipe),
            eval_dataset=_shortest_first(rows.validation) if validated else None,
            processing_class=target.tokenizer,
            peft_config=None if by_unsloth else config,
        )
    ready_to_train(trainer.model)
    # Neither the tokenizer of every checkpoint nor its special tokens are the trainer's business.
    trainer.processing_class = None
    # TRL would write a model card into every checkpoint, and ask each tracker it can import for an address in it.
    trainer.create_model_card = lambda *_, **__: None
    # PEFT asks the hub about the base when it saves, unless the base has no name; the adapter gets it at the end.
    trainer.model.peft_config["default"].base_model_name_or_path = ""
    let_the_head_be_read(trainer.model)
    _keep_adapter_precise(trainer.model)
    if recipe.device == "cpu":
        speed_up_dropout(trainer.model)
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(_reporting(watch, checkpoints))
    if recipe.early_stopping_patience:
        trainer.add_callback(EarlyStoppingCallback(recipe.early_stopping_patience))
    return trainer


def _trainer_class(recipe: Recipe) -> type[SFTTrainer]:
    import torch
    from trl import SFTTrainer

    class Trainer(SFTTrainer):  # type: ignore[misc]
        def create_accelerator_and_postprocess(self) -> None:
            super().create_accelerator_and_postprocess()
            if sharing().by == "fsdp":
                use_fsdp(self.accelerator)
                self.is_fsdp_enabled = True
            elif sharing().by == "deepspeed":
                use_zero(self)

        def _prepare_for_training(self, *arguments: Any, **named: Any) -> Any:
            if sharing().by == "deepspeed":
                prepare(self)
            return super()._prepare_for_training(*arguments, **named)

        def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
            """Of a sharded model the adapter alone is put together, and not the base with it."""
            whole = whole_tensors(self.model)
            if whole is None:
                super().save_model(output_dir, _internal_call)
            elif self.args.should_save:
                self._save(output_dir, state_dict=whole)

        def create_optimizer(self, *arguments: Any, **named: Any) -> Any:
            is_new = self.optimizer is None
            optimizer = super().create_optimizer(*arguments, **named)
            if is_new and recipe.loraplus_lr_ratio != 1:
                speed_up_b(optimizer, self.model, recipe.loraplus_lr_ratio)
            return optimizer

        def evaluate(self, *arguments: Any, **named: Any) -> Any:
            """Leaves torch's generators as they were: a data loader draws from them, and dropout would be another."""
            device = self.args.device
            with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
                return super().evaluate(*arguments, **named)

    return Trainer


def train_from(trainer: SFTTrainer, resumed: Path | None, patience: int) -> None:
    """The training loop; of a run that early stopping had ended before it was killed, only the best adapter is read.

    Shares of a model are put together by the loop alone, so that such a run goes on until it stops again.
    """
    from transformers import TrainerState

    in_shares = trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled
    if resumed is None or in_shares or not had_stopped(resumed, patience):
        trainer.train(resume_from_checkpoint=str(resumed) if resumed is not None else None)
        return
    trainer.state = TrainerState.load_from_json(str(resumed / TRAINER_STATE))
    trainer.state.best_model_checkpoint = str(resumed.with_name(f"checkpoint-{best_step(resumed)}"))
    trainer._load_best_model()


def check_first_gradient(trainer: SFTTrainer, rows: Rows, recipe: Recipe) -> GradientEvidence:
    """`check_gradient` on records of middling length, with the trainer's own loss and precision, in evaluation mode."""
    import torch

    chosen = _first_rows(rows)
    model = trainer.model

    def logits(**inputs: torch.Tensor) -> torch.Tensor:
        placed = {name: tensor.to(model.device) for name, tensor in inputs.items()}
        with _autocast(model, recipe):
            value: torch.Tensor = model(**placed, use_cache=False).logits
        return value

    if recipe.backend == "trl":
        check_own_loss(model, lambda: _autocast(model, recipe), chosen[0], recipe.dtype)
    with _evaluating(trainer):
        if recipe.packing:
            check_isolation(logits, chosen[0], chosen[-1], recipe.dtype)
        dtype: torch.dtype = getattr(torch, recipe.dtype)
        loss = _first_loss(trainer, chosen, recipe)
        return check_gradient(_trained(model), loss, _frozen_layers(model), dtype, by_transformers(model, loss))


@contextlib.contextmanager
def with_liger_kernels(trainer: SFTTrainer, rows: Rows, recipe: Recipe) -> Iterator[str]:
    """`liger_kernels` in the trainer's model, asked on the records that the gradient is checked on."""
    loss = _first_loss(trainer, _first_rows(rows), recipe)

    def gradient() -> Gradient:
        with _evaluating(trainer):
            return Gradient(*gradient_of(_trained(trainer.model), loss))

    with liger_kernels(trainer.model.get_base_model(), gradient, recipe.dtype) as words:
        yield words


def _first_rows(rows: Rows) -> list[Row]:
    by_length = sorted(rows.training, key=lambda row: (len(row.input_ids), row.row_id))
    return [by_length[index] for index in checked([len(row.input_ids) for row in by_length])]


def _first_loss(trainer: SFTTrainer, chosen: Sequence[Row], recipe: Recipe) -> Callable[[], torch.Tensor]:
    batch = Collator(recipe.pad_token_id)([{"input_ids": row.input_ids, "labels": row.labels} for row in chosen])
    model = trainer.model

    def loss() -> torch.Tensor:
        inputs = {name: tensor.to(model.device) for name, tensor in batch.items()}
        with _autocast(model, recipe):
            value: torch.Tensor = trainer.compute_loss(model, inputs)
        return value

    return loss


def _autocast(model: PreTrainedModel, recipe: Recipe) -> torch.autocast:
    import torch

    half = {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(recipe.dtype)
    return torch.autocast(model.device.type, dtype=half or torch.bfloat16, enabled=half is not None)


@contextlib.contextmanager
def _evaluating(trainer: SFTTrainer) -> Iterator[None]:
    """The model in evaluation mode; what is computed within is not among the metrics of an evaluation."""
    training = trainer.model.training
    trainer.model.eval()
    try:
        yield
    finally:
        trainer.model.train(training)
        trainer._metrics["eval"].clear()


def _trained(model: torch.nn.Module) -> list[torch.nn.Parameter]:
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def _frozen_layers(model: torch.nn.Module) -> dict[str, torch.nn.Module]:
    """The linear layers that adapters are laid over."""
    found = {name: module for name, module in model.named_modules() if name.endswith(".base_layer")}
    # Where one adapter wraps another, as over the tensors of experts, what lies beneath is no layer to itself.
    return {n: m for n, m in found.items() if hasattr(m, "in_features") and not hasattr(m, "base_layer")}


def _arguments(recipe: Recipe, folder: Path, *, validated: bool, resumes: bool) -> SFTConfig:
    """One epoch over rows that already stand in order for all of them; see `training_order`."""
    import torch
    from trl import SFTConfig

    try:
        arguments = SFTConfig(
            output_dir=str(folder),
            num_train_epochs=1,
            per_device_train_batch_size=recipe.per_device_train_batch_size,
            per_device_eval_batch_size=recipe.per_device_eval_batch_size,
            gradient_accumulation_steps=recipe.gradient_accumulation_steps,
            gradient_checkpointing=recipe.gradient_checkpointing,
            neftune_noise_alpha=recipe.neftune_noise_alpha or None,
            learning_rate=recipe.learning_rate,
            lr_scheduler_type=recipe.lr_scheduler_type,
            warmup_steps=recipe.warmup_steps,
            weight_decay=recipe.weight_decay,
            max_grad_norm=recipe.max_grad_norm,
            optim=recipe.optim,
            bf16=recipe.dtype == "bfloat16",
            fp16=recipe.dtype == "float16",
            use_cpu=recipe.device == "cpu",
            ddp_find_unused_parameters=False,
            eval_strategy="steps" if validated else "no",
            eval_steps=recipe.eval_steps,
            eval_on_start=validated and not resumes,
            prediction_loss_only=True,
            save_strategy="steps",
            save_steps=recipe.eval_steps,
            save_total_limit=None,  # `Checkpoints.record` removes older ones, once the new one is listed
            load_best_model_at_end=validated,
            metric_for_best_model="eval_loss" if validated else None,
            greater_is_better=False if validated else None,
            restore_callback_states_from_checkpoint=resumes,
            logging_steps=1,
            logging_nan_inf_filter=False,
            disable_tqdm=True,
            report_to=trackers(recipe.report_to) or "none",
            run_name=folder.parent.name,
            project=PROJECT,
            seed=recipe.seed,
            train_sampling_strategy="sequential",
            remove_unused_columns=False,
            dataloader_pin_memory=recipe.device.startswith("cuda"),
            dataset_kwargs={"skip_prepare_dataset": True},
            max_length=None,
            router_aux_loss_coef=0.0,  # routers are frozen: there is nothing to balance, and the loss is the answers'
        )
    except (ValueError, TypeError) as error:
        raise SettingsError(f"the trainer refuses these settings: {str(error).splitlines()[0]}") from error
    if recipe.processes == 1:
        # Several visible GPUs in one process would be wrapped in DataParallel; the model is on one of them.
        arguments._n_gpu = min(arguments.n_gpu, 1)
        if recipe.device.startswith("cuda"):
            torch.cuda.set_device(recipe.device)
            train_on(arguments, torch.device(recipe.device))
    return arguments


def train_on(arguments: SFTConfig, device: torch.device) -> None:
    """transformers takes the first GPU whichever was asked for, and accelerate the device that transformers set up."""
    arguments.__dict__["_setup_devices"] = device
    arguments.distributed_state.device = device


def _choose_attention(model: PreTrainedModel, recipe: Recipe, longest: int) -> None:
    """longest: tokens of a row."""
    if recipe.device == "cpu" and longest <= EAGER_ATTENTION_UP_TO:
        model.set_attn_implementation("eager")
    elif recipe.packed_attention == "flash_attention_2":
        try:
            model.set_attn_implementation("flash_attention_2")
        except (ImportError, ValueError) as error:
            raise SettingsError(
                f"packing: flash-attn is installed, and this model cannot take it: {first_line(error)}",
                fix="leave packing out, or mend or remove flash-attn: records are then kept apart by a mask",
            ) from error


def _packed(rows: Sequence[Row], recipe: Recipe) -> Any:
    import datasets

    packs = packs_of(recipe, [len(row.input_ids) for row in rows])
    return datasets.Dataset.from_list(as_items(rows, packs))


def _in_order(rows: Sequence[Row], recipe: Recipe) -> Any:
    lengths = [len(row.input_ids) for row in rows]
    order = training_order(lengths, recipe.num_train_epochs, recipe.effective_batch_size, recipe.seed)
    return _as_datasets(rows).select(order)


def _shortest_first(rows: Sequence[Row]) -> Any:
    return _as_datasets(sorted(rows, key=lambda row: (len(row.input_ids), row.row_id)))


def _as_datasets(rows: Sequence[Row]) -> Any:
    import datasets

    return datasets.Dataset.from_dict(
        {"input_ids": [row.input_ids for row in rows], "labels": [row.labels for row in rows]}
    )


def _keep_adapter_precise(model: torch.nn.Module) -> None:
    """TRL puts the adapter of a quantised model into bfloat16, where late, small updates round to nothing."""
    import torch

    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.to(torch.float32)


def _reporting(watch: Watch, checkpoints: Checkpoints) -> TrainerCallback:
    """The trainer's events, handed to `watch` and `checkpoints`."""
    from transformers import TrainerCallback

    class Reporting(TrainerCallback):  # type: ignore[misc]
        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
            if "loss" in logs:
                watch.trained(state.global_step, logs["loss"], logs.get("learning_rate"), logs.get("grad_norm"))
            elif "eval_loss" in logs:
                watch.validated(state.global_step, logs["eval_loss"], logs.get("eval_score"))

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            """The path of the best checkpoint is that of the process that was killed, which may have been elsewhere."""
            if state.best_global_step and (best := checkpoints.of_step(state.best_global_step)).is_dir():
                state.best_model_checkpoint = str(best)

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            checkpoints.record(state.global_step, state.best_global_step)

    return Reporting()


def _forbid_telemetry() -> None:
    """TRL reports each trainer that is built to huggingface.co unless this says not to."""
    import os

    from huggingface_hub import constants

    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    constants.HF_HUB_DISABLE_TELEMETRY = True


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keeps notices that mean nothing to a reader of assay's output off the terminal."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    with warnings.catch_warnings():
        for module in ("transformers", "peft", "trl", "torch", "accelerate", "bitsandbytes"):
            warnings.filterwarnings("ignore", module=rf"{module}(\.|$)")
        try:
            yield
        finally:
            logging.set_verbosity(level)
