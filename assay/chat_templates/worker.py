"""The process in which chat templates are rendered: `python -m assay.chat_templates.worker`, JSON lines in and out.

A template comes from whoever published the model. Jinja's sandbox keeps it from Python's internals; this
process keeps it from everything else: an environment without secrets, limits on memory, files and
processes, and an alarm that kills it. It imports jinja2 and nothing heavier. `templating` is the other end.

The Jinja environment is that of transformers 5.24 (`utils/chat_template_utils.py`), and a test renders with
both: a template must see here what it sees when the model is served.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jinja2

MEMORY_BYTES = 1 << 29


class OutputTooLong(Exception):  # noqa: N818 - a verdict on the template, which becomes an answer
    """The rendering has grown beyond what the request allows."""


def render(request: Mapping[str, Any]) -> dict[str, Any]:
    """{"text", "spans"} or {"kind", "message"}; spans are the characters inside {% generation %} blocks."""
    import jinja2

    try:
        template = request.get("compiled") or _compiled(request["template"], request["now"])
        variables = {**request["variables"], "messages": _with_reasoning(request["variables"]["messages"])}
        blocks: list[str] = []
        spans: list[tuple[int, int]] = []
        environment: Any = template.environment
        environment.generation_tracking = (blocks, spans)
        length = 0
        for block in template.generate(**variables):
            blocks.append(block)
            length += len(block)
            if length > request["max_characters"]:
                raise OutputTooLong
        return {"text": "".join(blocks), "spans": spans}
    except jinja2.exceptions.SecurityError as error:
        return _problem("security", f"the template reaches out of its sandbox: {error}")
    except jinja2.TemplateSyntaxError as error:
        return _problem("syntax", f"the template is not valid Jinja (line {error.lineno}): {error.message}")
    except jinja2.exceptions.UndefinedError as error:
        return _problem("undefined", f"the template uses what is not there: {error}")
    except jinja2.TemplateError as error:
        return _problem("refused", f"the template refuses the conversation: {error}")
    except MemoryError:
        return _problem("memory", f"the template needs more than {MEMORY_BYTES >> 20} MB")
    except OutputTooLong:
        return _problem("output", f"the template writes more than {request['max_characters']} characters")
    except RecursionError:
        return _problem("memory", "the template calls itself without end")
    except Exception as error:  # noqa: BLE001 - whatever a stranger's template raises is the answer
        return _problem("failed", f"the template fails with {type(error).__name__}: {error}")


def watch(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each of the renders, and at last what they asked about the stand-ins in them."""
    from assay.chat_templates.questions import Asked

    try:
        template = _watched(request["template"], request["now"])
    except Exception as error:  # noqa: BLE001 - whatever a stranger's template does to the parser is the answer
        return [_problem("syntax", f"{type(error).__name__}: {error}")]
    environment: Any = template.environment
    environment.asked = Asked()
    results = [render({**request, "compiled": template, "variables": variables}) for variables in request["renders"]]
    return [*results, {**environment.asked.to_json(), "names": environment.names}]


def _problem(kind: str, message: str) -> dict[str, Any]:
    return {"kind": kind, "message": message[:500]}


def _with_reasoning(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Reasoning under each name that templates read it by, as transformers passes it."""
    out = []
    for message in messages:
        names = ("reasoning_content", "thinking", "reasoning")
        reasoning = next((message[name] for name in names if message.get(name) is not None), None)
        out.append(message if reasoning is None else {"thinking": reasoning, **message, "reasoning_content": reasoning})
    return out


@lru_cache(maxsize=64)
def _compiled(template: str, now: str) -> jinja2.Template:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return _environment(ImmutableSandboxedEnvironment, now).from_string(template)


@lru_cache(maxsize=64)
def _watched(template: str, now: str) -> jinja2.Template:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    from assay.chat_templates import watching as template_watching

    kind = template_watching.watched(ImmutableSandboxedEnvironment)
    return template_watching.watch(_environment(kind, now), template)


def _environment(kind: type[jinja2.Environment], now: str) -> jinja2.Environment:
    from jinja2.ext import Extension, loopcontrols

    environment = kind(
        trim_blocks=True, lstrip_blocks=True, extensions=[_generation_extension(Extension), loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = datetime.fromisoformat(now).strftime
    environment.globals["dict"] = _TemplateDict()
    environment.globals["namespace"] = _namespace_type()
    return environment


def _generation_extension(extension: Any) -> Any:
    """The {% generation %} tag: notes where in the output the block stands."""
    import jinja2

    class Generation(extension):  # type: ignore[misc]
        tags = frozenset({"generation"})

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return jinja2.nodes.CallBlock(self.call_method("_track"), [], [], body).set_lineno(line)

        def _track(self, caller: Any) -> str:
            text: str = caller()
            blocks, spans = self.environment.generation_tracking
            start = sum(len(block) for block in blocks)
            spans.append((start, start + len(text)))
            return text

    return Generation


def _tojson(
    value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _raise_exception(message: str) -> None:
    import jinja2

    raise jinja2.TemplateError(message)


class _TemplateDict:
    """`dict` without the class attributes through which a template could climb."""

    def __call__(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        return dict(*args, **kwargs)

    def fromkeys(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        return dict.fromkeys(*args, **kwargs)


def _namespace_type() -> Any:
    """`namespace` that refuses names with a leading underscore, as transformers does."""
    import jinja2
    from jinja2.utils import Namespace

    def check(name: Any) -> None:
        if isinstance(name, str) and name.startswith("_"):
            raise jinja2.exceptions.SecurityError(f"a namespace cannot hold {name!r}")

    class TemplateNamespace(Namespace):
        def __init__(*args: Any, **kwargs: Any) -> None:
            self, rest = args[0], args[1:]
            attributes: dict[Any, Any] = dict(*rest, **kwargs)
            for name in attributes:
                check(name)
            Namespace.__init__(self, attributes)

        def __setitem__(self, name: str, value: Any) -> None:
            check(name)
            Namespace.__setitem__(self, name, value)

    return TemplateNamespace


def _limit_resources() -> None:
    """Bounds memory, and leaves a template that got out of the sandbox no file to write and no process to start."""
    try:
        import resource
    except ImportError:  # Windows: the alarm of the parent and the output limit remain
        return
    for name, limit in (("RLIMIT_AS", MEMORY_BYTES), ("RLIMIT_FSIZE", 0), ("RLIMIT_NPROC", 0)):
        kind = getattr(resource, name)
        _, hard = resource.getrlimit(kind)
        with contextlib.suppress(ValueError, OSError):  # macOS refuses some for a process that is already larger
            resource.setrlimit(kind, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def _set_alarm(seconds: float) -> None:
    """Ends this process when a render outlives the parent that should have killed it."""
    import signal

    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _requests(lines: IO[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        yield json.loads(line)


def main() -> None:
    import jinja2  # noqa: F401 - loaded before the memory limit

    import assay.chat_templates.watching  # noqa: F401

    _limit_resources()
    for request in _requests(sys.stdin):
        _set_alarm(2 * request["seconds"] + 1)
        if request.get("watched"):
            results = watch(request)
        else:
            results = [render({**request, "variables": variables}) for variables in request["renders"]]
        _set_alarm(0)
        try:
            answer = json.dumps(results)
        except MemoryError:
            answer = json.dumps([_problem("memory", "the renderings need too much memory together")] * len(results))
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
