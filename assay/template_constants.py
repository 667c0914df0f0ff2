"""The words that a chat template looks for in what it is given, read from its source.

A template treats most contents alike. Where it does not, it says by which text it tells them apart:
`'</think>' in content`, `content.split('<|end|>')`, `content == ''`. A content in which none of these stands
is rendered like any other. Read in the template's own process (`assay.template_worker`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MESSAGE_KEYS = frozenset({
    "role", "content", "name", "type", "text", "tool_calls", "tool_call_id", "tools", "function", "arguments",
    "parameters", "description", "properties", "required", "reasoning_content", "reasoning", "thinking", "id", "image",
    "items", "enum", "default",
})  # fmt: skip
LITERAL_CALLS = frozenset({"raise_exception", "strftime_now"})
SELECTING_FILTERS = frozenset({"selectattr", "rejectattr", "map", "groupby", "sort", "unique", "tojson", "join"})
STRIPPING = frozenset({"strip", "lstrip", "rstrip"})


@dataclass
class Constants:
    """contained: a content that holds one is special. equal: a content that is one is special."""

    contained: set[str] = field(default_factory=set)
    equal: set[str] = field(default_factory=set)


def constants(tree: Any) -> Constants:
    """Of a `jinja2.nodes.Template`."""
    found = Constants()
    _walk(tree, found)
    return found


def _walk(node: Any, found: Constants) -> None:
    from jinja2 import nodes

    if isinstance(node, nodes.Const):
        if isinstance(node.value, str) and node.value:
            found.contained.add(node.value)
    elif isinstance(node, nodes.Output):
        for child in node.nodes:
            _walk_written(child, found)
    elif isinstance(node, nodes.Getitem):
        _walk(node.node, found)
        if not _is_text(node.arg):
            _walk(node.arg, found)
    elif isinstance(node, nodes.Compare):
        _walk_comparison(node, found)
    elif isinstance(node, nodes.Call):
        _walk_call(node, found)
    elif isinstance(node, nodes.Pair):
        if not _is_text(node.value) or node.value.as_const() not in MESSAGE_KEYS:  # {'type': 'text', 'text': ...}
            _walk(node.value, found)
    elif isinstance(node, nodes.Assign):
        _walk_assigned(node.node, found)
    elif isinstance(node, nodes.Filter) and node.name in SELECTING_FILTERS:
        if node.node is not None:
            _walk(node.node, found)
    else:
        for child in node.iter_child_nodes():
            _walk(child, found)


def _walk_written(node: Any, found: Constants) -> None:
    """A constant that is only written says nothing about contents."""
    from jinja2 import nodes

    if isinstance(node, nodes.Const | nodes.TemplateData):
        return
    if isinstance(node, nodes.Add):
        _walk_written(node.left, found)
        _walk_written(node.right, found)
    elif isinstance(node, nodes.Concat):
        for child in node.nodes:
            _walk_written(child, found)
    elif isinstance(node, nodes.CondExpr):
        _walk(node.test, found)
        _walk_written(node.expr1, found)
        if node.expr2 is not None:
            _walk_written(node.expr2, found)
    else:
        _walk(node, found)


def _walk_assigned(node: Any, found: Constants) -> None:
    """A separator that is put together with other text is written, not looked for; a word might be either."""
    from jinja2 import nodes

    if isinstance(node, nodes.Add):
        _walk_assigned(node.left, found)
        _walk_assigned(node.right, found)
    elif isinstance(node, nodes.Concat):
        for child in node.nodes:
            _walk_assigned(child, found)
    elif not _is_text(node) or any(map(str.isalnum, node.value)):
        _walk(node, found)


def _walk_comparison(node: Any, found: Constants) -> None:
    from jinja2 import nodes

    sides: list[Any] = [node.expr, *(operand.expr for operand in node.ops)]
    equality = all(operand.op in ("eq", "ne") for operand in node.ops)
    last = sides[-1]
    if _is_text(sides[0]) and sides[0].value in MESSAGE_KEYS and not equality and not _names_a_content(last):
        _walk(last, found)
        return
    for side in sides:
        if equality and _is_text(side):
            found.equal.add(side.value)
        elif isinstance(side, nodes.List | nodes.Tuple) and side is last and all(map(_is_text, side.items)):
            found.equal.update(str(item.as_const()) for item in side.items)
        else:
            _walk(side, found)


def _walk_call(node: Any, found: Constants) -> None:
    from jinja2 import nodes

    if isinstance(node.node, nodes.Name) and node.node.name in LITERAL_CALLS:
        return
    method = node.node.attr if isinstance(node.node, nodes.Getattr) else ""
    stripping = method in STRIPPING
    _walk(node.node, found)
    keys = 1 if method == "get" and node.args and _is_text(node.args[0]) else 0
    for child in [*node.args[keys:], *(keyword.value for keyword in node.kwargs)]:
        if not (stripping and _is_text(child) and child.value.isspace()):  # outer white space is looked at anyway
            _walk(child, found)


def _names_a_content(node: Any) -> bool:
    """Whether a name says that it holds a turn's text, in which a word is looked for, and not a mapping with keys."""
    index = getattr(node, "arg", None)
    name = getattr(node, "name", None) or getattr(node, "attr", None) or getattr(index, "value", "")
    return not isinstance(name, str) or "content" in name or "text" in name or "system" in name


def _is_text(node: Any) -> bool:
    from jinja2 import nodes

    return isinstance(node, nodes.Const) and isinstance(node.value, str)
