"""Renders stand-ins in such a way that what a chat template asks about them is heard (`questions`).

The template's syntax tree is rewritten so that comparisons, slices and loops go through this module, as filters, tests,
subscripts and methods do by Jinja's own hooks. A stand-in (`stand_ins`) is known by its spelling wherever it
is written, so that it is not lost when texts are put together.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, ItemsView, Iterator, Mapping, ValuesView
from typing import TYPE_CHECKING, Any

from assay.chat_templates.questions import Asked, Derived, Length, holds, stands_in
from assay.chat_templates.stand_ins import PATTERN, cut

if TYPE_CHECKING:
    import jinja2

NEEDLES = frozenset({
    "split", "rsplit", "partition", "rpartition", "replace", "find", "rfind", "index", "rindex", "count", "startswith",
    "endswith", "removeprefix", "removesuffix",
})  # fmt: skip
"""Methods of a text whose answer is the same for all texts that do not contain what they are given."""

STRIPPING = frozenset({"strip", "lstrip", "rstrip"})
WRITING = frozenset({"string", "tojson", "safe", "default", "d"})
OF_CONTAINERS = WRITING | {
    "items", "list", "map", "selectattr", "rejectattr", "select", "reject", "first", "last", "length", "count", "join",
    "attr", "reverse",
}  # fmt: skip
"""Filters that treat a list or mapping alike whatever texts are in it."""

OF_TYPES = frozenset({
    "string", "mapping", "sequence", "iterable", "number", "integer", "float", "boolean", "none", "defined",
    "undefined", "callable", "true", "false", "filter", "test",
})  # fmt: skip
EQUALITY = {"eq": "eq", "equalto": "eq", "==": "eq", "ne": "ne", "!=": "ne", "in": "in"}


def watched(environment: type[jinja2.Environment]) -> type[jinja2.Environment]:
    """An environment like the one given, whose `asked` (set before each rendering) learns what is asked.

    names: of all variables in its template.
    """

    class Watched(environment):  # type: ignore[misc, valid-type]
        asked: Asked
        names: list[str]

        def getitem(self, obj: Any, argument: Any) -> Any:
            if isinstance(argument, str | int | float) and stands_in(argument):
                self.asked.cannot_say("what a content is the key of")
            found = super().getitem(obj, argument)
            if isinstance(obj, str) and isinstance(found, str) and stands_in(obj):
                return _derived(self.asked, obj, found, lowered=False)
            return found

        def call(self, context: Any, obj: Any, *args: Any, **kwargs: Any) -> Any:
            _note_call(self.asked, obj, args, kwargs)
            return super().call(context, obj, *args, **kwargs)

    return Watched


def watch(environment: Any, source: str) -> jinja2.Template:
    """The template of a `watched` environment, with what it asks put into calls of this module."""
    from jinja2 import nodes

    environment.asked = Asked()
    environment.filters = {name: _watched_filter(environment, name, f) for name, f in environment.filters.items()}
    environment.tests = {name: _watched_test(environment, name, test) for name, test in environment.tests.items()}
    environment.filters["assay_compared"] = functools.partial(_compare, environment)
    environment.filters["assay_sliced"] = functools.partial(_slice, environment)
    environment.filters["assay_walked"] = functools.partial(_walk, environment)
    tree = _rewriter().visit(environment.parse(source))
    environment.names = sorted({node.name for node in tree.find_all(nodes.Name)})
    tree.set_environment(environment)
    template: jinja2.Template = environment.from_string(tree)
    return template


def _rewriter() -> Any:
    from jinja2 import nodes
    from jinja2.visitor import NodeTransformer

    def called(node: Any, name: str, value: Any, args: list[Any]) -> Any:
        return nodes.Filter(value, name, args, [], None, None).set_lineno(node.lineno)

    class Rewriter(NodeTransformer):
        def visit_Compare(self, node: Any) -> Any:  # noqa: N802 - jinja2's names
            self.generic_visit(node)
            operands = [part for operand in node.ops for part in (nodes.Const(operand.op), operand.expr)]
            return called(node, "assay_compared", node.expr, operands)

        def visit_Getitem(self, node: Any) -> Any:  # noqa: N802
            self.generic_visit(node)
            if not isinstance(node.arg, nodes.Slice):
                return node
            bounds = [bound or nodes.Const(None) for bound in (node.arg.start, node.arg.stop, node.arg.step)]
            return called(node, "assay_sliced", node.node, bounds)

        def visit_For(self, node: Any) -> Any:  # noqa: N802
            self.generic_visit(node)
            node.iter = called(node, "assay_walked", node.iter, [])
            return node

    return Rewriter()


_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "gt": lambda a, b: a > b,
    "gteq": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lteq": lambda a, b: a <= b,
    "in": lambda a, b: a in b,
    "notin": lambda a, b: a not in b,
}


def _compare(environment: Any, value: Any, *operands: Any) -> Any:
    result: Any = True
    for operator, other in zip(operands[::2], operands[1::2], strict=True):
        environment.asked.compared(operator, value, other)
        result = _OPERATORS[operator](value, other)
        if not result:
            return result
        value = other
    return result


def _slice(environment: Any, value: Any, start: Any, stop: Any, step: Any) -> Any:
    found = value[start:stop:step]
    if any(map(stands_in, (start, stop, step))):
        environment.asked.cannot_say("a part that a content tells")
    if not isinstance(value, str) or not stands_in(value) or _only_literals_cut(value, start, stop, step):
        return found
    return _derived(environment.asked, value, found, lowered=False)


def _only_literals_cut(text: str, start: Any, stop: Any, step: Any) -> bool:
    literals, _ = cut(text)
    begins = start is None or (isinstance(start, int) and 0 <= start <= len(literals[0]))
    ends = stop is None or (isinstance(stop, int) and -len(literals[-1]) <= stop < 0)
    return begins and ends and step is None and not isinstance(text, Derived)


def _derived(asked: Asked, text: str, value: str, *, lowered: bool) -> str:
    if isinstance(text, Derived):
        asked.cannot_say("a part of a part")
    return Derived.of(text, value, lowered=lowered)


def _walk(environment: Any, value: Any) -> Any:
    if isinstance(value, str) and stands_in(value):
        environment.asked.cannot_say("the characters of a content")
    return value


def _watched_filter(environment: Any, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    first = 1 if getattr(function, "jinja_pass_arg", None) is not None else 0

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        value, rest = args[first], args[first + 1 :]
        _note_filter(environment.asked, name, value, rest, kwargs)
        result = function(*args, **kwargs)
        if not isinstance(value, str) or not stands_in(value):
            return result
        if name == "lower":
            return _derived(environment.asked, value, result, lowered=True)
        return Length(result) if name in ("length", "count") and not _is_id(value) else result

    return called


def _note_filter(asked: Asked, name: str, value: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    if isinstance(value, Derived):
        asked.cannot_say(name)
    elif isinstance(value, str) and stands_in(value):
        if name == "trim":
            if args or kwargs:
                asked.stripped(value, args[0] if args else kwargs.get("chars"))
        elif name == "replace":
            asked.needle(value, args[0] if args else None)
        elif name == "indent":
            asked.needle(value, "\n")
        elif name in ("int", "float"):
            asked.parsed(value)
        elif name not in WRITING and name not in ("length", "count", "lower"):
            asked.cannot_say(name)
    elif stands_in(value):
        if name not in WRITING:
            asked.cannot_say(name)
    elif holds(value) or isinstance(value, Iterator | ItemsView | ValuesView):
        by_value = kwargs.get("by", args[1] if len(args) > 1 else "key") != "key"
        if name not in OF_CONTAINERS and (name != "dictsort" or by_value):
            asked.cannot_say(name)
    elif name not in ("default", "d") and (any(map(holds, args)) or any(map(holds, kwargs.values()))):
        asked.cannot_say(name)


def _watched_test(environment: Any, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    first = 1 if getattr(function, "jinja_pass_arg", None) is not None else 0

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        value, rest = args[first], args[first + 1 :]
        if name in EQUALITY and len(rest) == 1:
            environment.asked.compared(EQUALITY[name], value, rest[0])
        elif name not in OF_TYPES and any(holds(item) or isinstance(item, Length) for item in (value, *rest)):
            environment.asked.cannot_say(name)
        return function(*args, **kwargs)

    return called


def _note_call(asked: Asked, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    from jinja2.runtime import LoopContext, Macro

    own, name = getattr(function, "__self__", None), getattr(function, "__name__", "")
    if isinstance(own, Derived):
        asked.cannot_say(name)
    elif isinstance(own, str) and stands_in(own):
        _note_method(asked, own, name, args)
    elif isinstance(own, str):
        if name not in ("join", "format") and any(map(holds, args[:1])):
            asked.cannot_say(name)
    elif isinstance(own, Mapping | list | tuple):
        if args and holds(args[0]):
            asked.cannot_say(name)
    elif isinstance(own, LoopContext) or (own is not None and not isinstance(own, type)):
        if any(map(holds, args)):
            asked.cannot_say(name)
    elif isinstance(function, Macro | type) or name == "_raise_exception":
        return
    elif any(stands_in(item) for item in (*args, *kwargs.values())):
        asked.cannot_say(name)


def _note_method(asked: Asked, text: str, name: str, args: tuple[Any, ...]) -> None:
    if name in STRIPPING:
        if args and args[0] is not None:
            asked.stripped(text, args[0])
    elif name in NEEDLES and args:
        for needle in args[0] if isinstance(args[0], tuple) else (args[0],):
            asked.needle(text, needle)
    elif name != "join":
        asked.cannot_say(name)


def _is_id(value: str) -> bool:
    match = PATTERN.fullmatch(value)
    return match is not None and match[2] is not None
