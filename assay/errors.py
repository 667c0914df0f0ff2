"""Every error that a user can cause, as one tree.

AssayError                      base; exit code 1; prints as one line
├── InputError                  exit code 2: nothing was done
│   ├── SettingsError           a settings file, override or option that cannot be meant
│   ├── SourceError             a data source that cannot be read at all, or holds no valid row
│   ├── ModelError              a model, tokenizer, template or adapter that cannot be used
│   ├── SuiteError              a suite that cannot be scored
│   ├── UnknownNameError        no check, scorer, format ... of that name ("did you mean")
│   └── MissingExtraError       an optional dependency is not installed
├── WorkerLostError             processes that look at data were killed again and again
├── LedgerError                 records read and records accounted for differ: a defect of assay
├── RunError                    a run folder is locked, damaged or was written by something else
├── StorageError                the disk is full, or a file cannot be written
├── OutOfMemoryError            the memory of a GPU, or of the machine, is full
├── ProviderError               an API or local provider failed
│   ├── ProviderRefusedError    authentication, quota, content policy: retrying cannot help
│   └── BudgetError             the next request could exceed the cap (exit code 4)
├── NotAcceptedError            generated records that too few people have read, or found good (exit code 4)
├── NotReleasedError            an adapter that no verdict lets out (exit code 3)
└── TrainingError               training cannot start or go on

A faulty row is never an error: it is a Finding.
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NEGATIVE = 3
    INCONCLUSIVE = 4


EXIT_CODES_HELP = (
    "Exit codes: 0 done or PASS; 1 it failed; 2 wrong usage, settings or unreadable source; "
    "3 negative verdict (BLOCK, INVALID, failed verification, audit over --fail-on); "
    "4 INCONCLUSIVE, or stopped short."
)


class AssayError(Exception):
    """One line: what is wrong, where, and what to do about it.

    >>> str(AssayError("not a number", where="a.yaml:3", fix="write train.lora_r as a whole number"))
    'a.yaml:3: not a number; write train.lora_r as a whole number'
    """

    exit_code: Exit = Exit.FAILED

    def __init__(self, what: str, *, where: str | None = None, fix: str | None = None) -> None:
        self.what, self.where, self.fix = what, where, fix
        line = f"{where}: {what}" if where else what
        line = f"{line}; {fix}" if fix else line
        super().__init__(" ".join(line.split()))


class InputError(AssayError):
    exit_code = Exit.USAGE


class SettingsError(InputError):
    pass


class SourceError(InputError):
    pass


class ModelError(InputError):
    pass


class SuiteError(InputError):
    pass


class UnknownNameError(InputError):
    pass


class MissingExtraError(InputError):
    """Raised through `require` and `missing_extra`, so that the line always names the command that mends it."""


class WorkerLostError(AssayError):
    pass


class LedgerError(AssayError):
    pass


class RunError(AssayError):
    pass


class NoSuchRunError(RunError):
    """Nothing was run under that name: there is nothing to read, as with any other source that is not there."""

    exit_code = Exit.USAGE


class StorageError(AssayError):
    pass


class OutOfMemoryError(AssayError):
    pass


class ProviderError(AssayError):
    """retry_after: seconds that the server asked to wait; may_have_run: the call may have been paid for; busy: the
    server has too much to do, so that others would be turned away too."""

    retry_after: float = 0.0
    may_have_run: bool = True
    busy: bool = False


class ProviderRefusedError(ProviderError):
    pass


class BudgetError(ProviderError):
    exit_code = Exit.INCONCLUSIVE


class NotAcceptedError(AssayError):
    exit_code = Exit.INCONCLUSIVE


class NotReleasedError(AssayError):
    exit_code = Exit.NEGATIVE


class TrainingError(AssayError):
    pass


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`did you mean 'x'?` for the nearest known name, or the list of names when none is near."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"known: {shown}" if names else "none is known"


def missing_extra(extra: str, error: ImportError) -> MissingExtraError:
    """The line for an optional dependency that is not installed.

    Use as `except ImportError as error: raise missing_extra("train", error) from error`.
    """
    return _missing(extra, error.name or "a package")


def require(extra: str, *modules: str) -> None:
    """Raises MissingExtraError unless every module can be found; imports none, and so costs nothing."""
    import importlib.util

    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise _missing(extra, module)


def _missing(extra: str, module: str) -> MissingExtraError:
    return MissingExtraError(f"this needs {module}, which is not installed", fix=f"pip install 'assay[{extra}]'")


def storage_error(error: OSError, doing: str) -> StorageError:
    """A full disk or a refused write, as one line that says whether anything was lost."""
    reason = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else str(error.strerror or error)
    return StorageError(
        f"{doing}: {reason}",
        where=str(error.filename) if error.filename else None,
        fix="nothing half-written was left; make room, or write to another disk, and run the same command again",
    )
