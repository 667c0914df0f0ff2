"""The `assay` command: a table of verbs, each imported when it is used."""

from __future__ import annotations

import importlib
import sys
from typing import Any, NamedTuple

import click

from assay.console import printable
from assay.errors import EXIT_CODES_HELP, AssayError, Exit, did_you_mean
from assay.version import __version__


class Verb(NamedTuple):
    """target is "module:function" of a click command; help is the line shown by `assay --help`."""

    target: str
    help: str


VERBS: dict[str, Verb] = {
    "demo": Verb("assay.commands.demo:demo", "The main job on the sample data and the embedded model."),
    "init": Verb("assay.commands.init:init", "Write a commented assay.yaml for your data."),
    "run": Verb("assay.commands.run:run", "Run the whole pipeline: curate, synth, train, evaluate, gate."),
    "sweep": Verb("assay.commands.sweep:sweep", "Try a few settings of a training, and gate the best."),
    "audit": Verb("assay.curate.command:audit", "Look at data, change nothing: is it fit to train on?"),
    "curate": Verb(
        "assay.curate.command:curate",
        "Decide on each record, write what is fit to train on, and account for every row.",
    ),
    "synth": Verb("assay.synth.command:synth", "Grow the data with a model, within a budget."),
    "review": Verb("assay.commands.review:review", "Decide, record by record, on what needs a person."),
    "plan": Verb(
        "assay.train.planning.command:plan", "Memory, hours and money of a training run, before anything is spent."
    ),
    "train": Verb("assay.train.command:train", "Train a LoRA or QLoRA adapter."),
    "export": Verb(
        "assay.train.exporting.command:export", "GGUF, an Ollama folder, or the settings of another trainer."
    ),
    "merge": Verb(
        "assay.train.merging.command:merge",
        "Merge an adapter into its base, or several into one adapter, and prove it.",
    ),
    "parity": Verb("assay.train.parity.command:parity", "Hold what is shipped against what was gated."),
    "evaluate": Verb("assay.evaluate.command:evaluate", "Score base and adapter on your suites."),
    "suite": Verb(
        "assay.evaluate.suites.command:suite", "init: set a suite aside; check: validate one; export: for lm-eval."
    ),
    "gate": Verb("assay.evaluate.gate.command:gate", "Verdict on an evaluation: is the adapter fit to release?"),
    "verify": Verb(
        "assay.evaluate.release.verify_command:verify",
        "Recompute what a release certificate claims, from the files it names.",
    ),
    "ui": Verb("assay.commands.ui:ui", "Look and decide in the browser."),
    "report": Verb("assay.commands.report:report", "Write a page of a run as one HTML file."),
    "runs": Verb("assay.commands.runs:runs", "List what was run, newest first."),
    "lineage": Verb(
        "assay.commands.runs:lineage", "Walk from an adapter back to its data, and forward to its evaluations."
    ),
    "adapters": Verb(
        "assay.commands.adapters:adapters", "Adapters by name and version: which is in use, and what let it out."
    ),
    "doctor": Verb("assay.commands.doctor:doctor", "Look at this installation and name each problem with its fix."),
    "model": Verb("assay.commands.model:model", "Embedded models: small ones that come from the package index."),
}


FULL_MEMORY = "end what else uses it, or take a smaller model or load_in_4bit; what was finished is kept"


class LazyGroup(click.Group):
    """Resolves a verb through VERBS, so that `assay --help` imports no command."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        verb = VERBS.get(cmd_name)
        if verb is None:
            return None
        module, _, function = verb.target.partition(":")
        command = getattr(importlib.import_module(module), function)
        assert isinstance(command, click.Command), verb.target
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            ctx.fail(f"no command '{args[0]}'; {did_you_mean(args[0], VERBS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, verb.help) for name, verb in VERBS.items()])


@click.command(cls=LazyGroup, epilog=EXIT_CODES_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="assay")
def cli() -> None:
    """Is this data fit to train on, and is this adapter fit to release?"""


def main(arguments: list[str] | None = None) -> Any:
    """Entry point. An AssayError, a refused pipe or Ctrl-C ends in one line and an exit code, never a traceback."""
    sys.unraisablehook = _interrupt_again
    try:
        typed = sys.argv[1:] if arguments is None else arguments
        result = cli.main(args=arguments, prog_name="assay", standalone_mode=False, obj=tuple(typed))
    except AssayError as error:
        click.echo(f"assay: {printable(str(error))}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        click.echo(f"assay: {printable(error.format_message())}", err=True)
        sys.exit(Exit.USAGE)
    except (click.Abort, KeyboardInterrupt):
        click.echo("assay: stopped; run the same command again to go on", err=True)
        sys.exit(130)
    except (RuntimeError, MemoryError) as error:
        from assay.models.devices import is_out_of_memory, memory_full

        if not is_out_of_memory(error):
            raise
        click.echo(f"assay: {printable(str(memory_full(error, '', FULL_MEMORY)))}", err=True)
        sys.exit(Exit.FAILED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(Exit.OK)
    sys.exit(result if isinstance(result, int) else Exit.OK)


def _interrupt_again(unraisable: Any) -> None:
    """Ctrl-C that came in a finaliser or a callback of an import, where Python prints and forgets it, comes again."""
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
        return
    import os
    import signal
    import threading

    threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGINT)).start()


if __name__ == "__main__":
    main()
