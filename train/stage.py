"""Training: records and settings in, an adapter out."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.chat import ChatTarget, extended, load_target
from assay.config import to_json
from assay.errors import MissingExtraError, TrainingError
from assay.models import ModelRef
from assay.protocols import Selection
from assay.runs import Run, run_digest
from assay.sources.convert import Data, as_dataset
from assay.storage import write_table

from .adapter import RECORDS, adapter_card, save_adapter
from .before.modules import adapter_parameters
from .checkpoints import Checkpoints
from .failures import enough_room, storage_failures
from .full_memory import memory_failures
from .identity import input_digests
from .methods.initial import initial_adapter, initialise
from .methods.kernels import load_model
from .mixing import GeneralFile, general_digests, general_row_ids, read_general
from .prepared import Prepared, prepare
from .processes.group import ALONE, Group
from .processes.strategy import sharing
from .progress import Progress, Watch, last_loss, last_validation_loss
from .recipe import Recipe
from .rows import GENERAL, Rows
from .settings import TrainSettings
from .trained import Trained
from .watching.advice import Facts, advise
from .watching.generating import answering
from .watching.heartbeat import Heartbeat
from .watching.interrupting import Interruption
from .watching.samples import FILE, Samples
from .watching.selecting import check_selection, select_by_score, selected_on, with_selected
from .watching.steps import scores, validation_losses
from .watching.trackers import place_trackers, tracker_failures

if TYPE_CHECKING:
    from trl import SFTTrainer


def train(
    data: Data,
    settings: TrainSettings,
    out: Path,
    target: ChatTarget | str,
    model_ref: ModelRef | None = None,
    *,
    general: Sequence[GeneralFile] | None = None,
    run: Run | None = None,
    say: Callable[[str], None] = lambda _: None,
    look: Callable[[Prepared], None] = lambda _: None,
    selection: Selection | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    group: Group = ALONE,
) -> Trained:
    """Trains a LoRA or QLoRA adapter on the split "train" and keeps the one that is best on "validation".

    Writes to `out`: adapter/, trained_records.parquet, ledger.parquet, log.jsonl, curve.png and .svg, recipe.json.
    A killed run goes on from its last whole checkpoint when it is called again with the same arguments.

    data       a Dataset, or what `assay.sources.convert.as_dataset` takes
    target     the model's chat side, or its name
    model_ref  the model whose weights train, where it is not the target's
    general    what `settings.general_data` names, where it was read already; else it is read, paths from here
    look       is given what will train, before weights are loaded
    selection  the items of `settings.selection_suite`, whose score picks the checkpoint that is kept
    run        the open run whose folder `out` is; without one, `out/manifest.json` is kept here
    group      the processes that train it together; every one but the first is given a folder of its own

    Raises SettingsError, SourceError, TrainingError, StorageError, ModelError; before the first step where it can be.
    """
    started = time.monotonic()
    data = as_dataset(data)
    target = load_target(target, say=say) if isinstance(target, str) else target
    model_ref = model_ref or target.ref
    target = extended(target, settings.new_tokens)
    general = read_general(settings.general_data, Path()) if general is None else general
    prepared = prepare(data, settings, target, general)
    own_run = run is None
    run = run or _run_in(out, settings, input_digests(data, general, target, model_ref))
    recipe = prepared.recipe
    check_selection(settings, selection, validated=bool(prepared.rows.validation), processes=recipe.processes)
    _announce(prepared, look, say)
    with storage_failures(run.path), memory_failures(recipe, run), contextlib.ExitStack() as kernels:
        _write_before(run, prepared, [*data.row_ids(), *general_row_ids(general)])
        enough_room(run.path, adapter_parameters(recipe, model_ref))
        trainer, watch, resumed, ratio = _start(prepared, target, model_ref, run, say, on_progress, group, kernels)
        if selection is not None:
            select_by_score(trainer, selection, answering(target, recipe.dtype))
            run.facts["selected_on"] = selected_on(selection)
        _run_to_the_end(trainer, watch, run, resumed, recipe.early_stopping_patience, say)
        sources = [data.digest, *general_digests(general).values()]
        card = adapter_card(None if own_run else run.id, model_ref, target, recipe, sources, run.parents)
        _save(trainer, prepared, target, model_ref, run, card, selection)
    items = len(selection.items) if selection is not None else 0
    trained = _trained(trainer, watch, run, prepared, resumed, ratio, time.monotonic() - started, items)
    run.facts |= trained.to_json()
    _finish(trained, run, target, say)
    return trained


def _announce(prepared: Prepared, look: Callable[[Prepared], None], say: Callable[[str], None]) -> None:
    look(prepared)
    for note in prepared.notes:
        say(f"note: {note}")
    for warning in prepared.rows.warnings:
        say(f"warning: {warning}")


def _save(
    trainer: SFTTrainer,
    prepared: Prepared,
    target: ChatTarget,
    model_ref: ModelRef,
    run: Run,
    card: dict[str, Any],
    selection: Selection | None,
) -> None:
    """The adapter's folder. What selected it counts as trained on: the gate must not ask it again."""
    folder = run.path / "adapter"
    if selection is not None:
        card = {**card, "selected_on": selected_on(selection)}
    initial = initial_adapter(prepared.recipe, Checkpoints(run).folder)
    save_adapter(trainer.model, folder, model_ref, target, prepared.rows, card, initial)
    if selection is not None:
        with_selected(selection, run.path / RECORDS, folder / RECORDS)


def _run_in(out: Path, settings: TrainSettings, inputs: Mapping[str, str]) -> Run:
    """A run of its own for callers without a store; the facts of an interrupted one with the same digest go on."""
    plain = to_json(settings)
    digest = run_digest("train", plain, inputs)
    facts: dict[str, Any] = {"digest": digest}
    try:
        earlier = json.loads((out / "manifest.json").read_text(encoding="utf-8"))["facts"]
        facts = earlier if earlier.get("digest") == digest else facts
    except (OSError, ValueError, KeyError):
        pass
    out.mkdir(parents=True, exist_ok=True)
    return Run("train", digest, out, plain, inputs, (), False, facts)


def _write_before(run: Run, prepared: Prepared, read_row_ids: Sequence[str]) -> None:
    """What will train is on disk before the first step, and is exactly what the ledger says was kept."""
    prepared.rows.ledger.check(read_row_ids)
    write_table(prepared.rows.trained_records(), run.path / RECORDS)
    write_table(prepared.rows.ledger.to_arrow(), run.path / "ledger.parquet")
    run.facts |= {"recipe": prepared.recipe.to_json(), "counts": prepared.rows.ledger.counts()}
    if prepared.rows.mixture is not None:
        run.facts |= {"mixture": prepared.rows.mixture.to_json()}
    run.write_manifest("running")


def _start(
    prepared: Prepared,
    target: ChatTarget,
    model_ref: ModelRef,
    run: Run,
    say: Callable[[str], None],
    on_progress: Callable[[Progress], None] | None,
    group: Group,
    kernels: contextlib.ExitStack,
) -> tuple[SFTTrainer, Watch, Path | None, float]:
    """Loads the model, builds the trainer, and proves the gradient. kernels: takes those of Liger out in the end."""
    from assay.models import import_bitsandbytes

    from .head import answers_only_head
    from .methods.new_tokens import grown
    from .trainer import build_trainer, check_first_gradient, quiet_libraries, with_liger_kernels
    from .watching.callbacks import watching

    recipe, rows = prepared.recipe, prepared.rows
    place_trackers(recipe.report_to, run.path)
    checkpoints = Checkpoints(run, group.same(lambda: Checkpoints(run).folder), group)
    resumed = checkpoints.latest(say)
    with contextlib.suppress(MissingExtraError):
        import_bitsandbytes()  # else PEFT does, even for plain LoRA, and is not kept from asking the hub for a kernel
    with quiet_libraries():
        model = load_model(model_ref, recipe)
        watch = _watch(prepared, target, run.path, say, on_progress)
        for warning in grown(model, recipe, target, rows):
            watch.warn(warning)
        trainer = build_trainer(model, recipe, rows, target, checkpoints, watch, resumes=resumed is not None)
        initialise(trainer.model, recipe, model_ref, checkpoints.folder, say)
        trainer.add_callback(watching(watch))
        parameters = sum(p.numel() for p in trainer.model.parameters() if p.requires_grad)
        enough_room(run.path, parameters)
        say(
            f"train: {len(rows.training)} records{_of_them_general(rows)}, {len(rows.validation)} for validation; "
            f"{recipe.steps} steps of {recipe.effective_batch_size}; {parameters / 1e6:.1f}M parameters on "
            f"{recipe.device} in {recipe.dtype}{f', {sharing().shared}' if sharing().by else ''}"
        )
        with answers_only_head():
            if recipe.use_liger_kernel:
                say(f"note: {kernels.enter_context(with_liger_kernels(trainer, rows, recipe))}")
            evidence = check_first_gradient(trainer, rows, recipe)
    if evidence.measured is None:
        say(
            "note: no difference of losses was held against the gradient, since a kernel of this model takes no "
            "float32; each layer was checked by itself"
        )
    ratio = evidence.ratio if evidence.measured is None else evidence.measured
    return trainer, watch, resumed, ratio


def _watch(
    prepared: Prepared,
    target: ChatTarget,
    folder: Path,
    say: Callable[[str], None],
    on_progress: Callable[[Progress], None] | None,
) -> Watch:
    recipe = prepared.recipe
    tokens = sum(len(row.input_ids) for row in prepared.rows.training) * recipe.num_train_epochs / recipe.steps
    return Watch(
        folder / "log.jsonl",
        recipe.steps,
        recipe.num_train_epochs,
        tokens,
        recipe.learning_rate,
        say,
        on_progress,
        recipe.device,
        Heartbeat(say),
        Samples(folder / FILE, prepared.unseen, answering(target, recipe.dtype)),
    )


def _of_them_general(rows: Rows) -> str:
    count = sum(row.role == GENERAL for row in rows.training)
    return f" ({count} of them general)" if count else ""


def _run_to_the_end(
    trainer: SFTTrainer,
    watch: Watch,
    run: Run,
    resumed: Path | None,
    patience: int,
    say: Callable[[str], None],
) -> None:
    """The training loop; stopping it says from where it can go on."""
    from .head import answers_only_head
    from .trainer import quiet_libraries, train_from

    step = int(resumed.name.rpartition("-")[2]) if resumed is not None else 0
    if resumed is not None:
        say(f"train: going on from step {step}")
    watch.begin(step)
    interruption = Interruption(say)
    alone = trainer.args.world_size == 1  # several processes would end after different steps, and wait for each other
    trainer.add_callback(interruption.callback())
    try:
        with (
            quiet_libraries(),
            answers_only_head(),
            tracker_failures(",".join(trainer.args.report_to)),
            interruption.awaited() if alone else contextlib.nullcontext(),
        ):
            train_from(trainer, resumed, patience)
        if interruption.asked and trainer.state.global_step < watch.steps:
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        kept = max((int(name.rpartition("-")[2]) for name in Checkpoints(run).listed), default=0)
        say(f"train: stopped at step {trainer.state.global_step}; the same command goes on from step {kept}")
        raise
    finally:
        watch.end()
    best = trainer.state.best_model_checkpoint
    if best is not None and not Path(best).is_dir():
        raise TrainingError(
            f"the checkpoint of the best step {trainer.state.best_global_step} is gone, so its adapter cannot be kept",
            where=str(run.path),
            fix="remove the folder `checkpoints` and run the same command again",
        )


def _trained(
    trainer: SFTTrainer,
    watch: Watch,
    run: Run,
    prepared: Prepared,
    resumed: Path | None,
    ratio: float,
    seconds: float,
    items: int,
) -> Trained:
    """items: that the score is of, 0 where the validation loss picked the checkpoint."""
    state = trainer.state
    losses = [loss for _, loss in validation_losses(watch.log)]
    scored = dict(scores(watch.log)) if items else {}
    known = state.best_metric is not None and bool(prepared.rows.validation)
    best = dict(validation_losses(watch.log)).get(state.best_global_step) if known else None
    if len(losses) > 1 and min(losses[1:]) >= losses[0]:
        watch.warn(
            f"the validation loss never fell below the {losses[0]:.3f} that it had before training; the data may not "
            "be what the answers depend on, or learning_rate may be too high"
        )
    kept = state.best_global_step if best is not None else state.global_step
    return Trained(
        adapter=run.path / "adapter",
        recipe=prepared.recipe,
        log=tuple(watch.log),
        steps=state.global_step,
        best_step=int(kept),
        training_loss=float(last_loss(watch.log) or 0.0),
        validation_loss=best if best is not None else last_validation_loss(watch.log),
        validation_loss_before=losses[0] if losses else None,
        counts=prepared.rows.ledger.counts(),
        mixture=prepared.rows.mixture.to_json() if prepared.rows.mixture is not None else None,
        warnings=(*prepared.rows.warnings, *watch.warnings),
        seconds=seconds,
        resumed_from=int(resumed.name.rpartition("-")[2]) if resumed is not None else 0,
        gradient_ratio=ratio,
        stopped_early=state.global_step < prepared.recipe.steps,
        score=scored.get(int(kept)),
        score_before=scored.get(0),
        advice=advise(_facts(prepared.recipe, watch, int(kept), items, curated=bool(run.parents))),
    )


def _facts(recipe: Recipe, watch: Watch, best_step: int, items: int, *, curated: bool) -> Facts:
    answered = watch.samples.at(best_step) if watch.samples is not None else []
    return Facts(
        log=watch.log,
        best_step=best_step,
        steps=recipe.steps,
        epochs=recipe.num_train_epochs,
        learning_rate=recipe.learning_rate,
        lora_r=recipe.lora_r,
        lora_alpha=recipe.lora_alpha,
        signs=watch.seen,
        answers=[sample.answer for sample in answered],
        references=[sample.reference for sample in answered],
        items=items,
        curated=curated,
    )


def _finish(trained: Trained, run: Run, target: ChatTarget, say: Callable[[str], None]) -> None:
    from assay.storage import write_json

    from .curve import draw_curve

    method = "QLoRA" if trained.recipe.load_in_4bit else "LoRA"
    title = f"{method}, r {trained.recipe.lora_r}, of {Path(target.name).name}: {trained.counts['read']} records"
    draw_curve(trained.log, trained.best_step if trained.validation_loss is not None else None, title, run.path)
    write_json(run.path / "recipe.json", trained.recipe.to_json())
    Checkpoints(run).clear()
    how = f"validation loss {trained.validation_loss:.3f}" if trained.validation_loss is not None else "no validation"
    early = f", stopped early at {trained.steps}" if trained.stopped_early else ""
    say(f"train: step {trained.best_step} kept ({how}{early}) in {trained.seconds:.0f} s")
