"""Whatever a template asks about contents is heard, or said to be beyond what can be answered."""

from __future__ import annotations

from typing import Any

import pytest

from assay.chat_templates import stand_ins
from assay.chat_templates.templating import Rendering, Watched, shared_renderer


def watch(template: str) -> Watched:
    """With two contents, an id and a number; the text is that of the template."""
    given: dict[str, Any] = {
        "a": stand_ins.text(0),
        "b": f" {stand_ins.text(1)}\n",
        "t": f"<t>{stand_ins.text(2)}</t>",
        "i": stand_ins.identifier(3, 12),
        "j": stand_ins.identifier(4, 12),
        "n": stand_ins.integer(5),
        "m": {"content": stand_ins.text(0), "args": {"x": stand_ins.text(1), "y": stand_ins.integer(5)}},
        "messages": [],
    }
    found = shared_renderer().watch(template, [given])
    assert found is not None
    if not found.opaque and isinstance(found.results[0], Rendering):
        assert found.results[0] == shared_renderer().render(template, given)
    return found


@pytest.mark.parametrize(
    "template",
    [
        "{{ a }}{{ b | trim }}{{ a.strip() }}{{ b.lstrip(' \\n') }}{{ t ~ a }}{{ a + b }}{{ [a, b] | join(', ') }}",
        "{{ m | tojson }}{{ m.args | tojson(indent=2) }}{% for k, v in m.args | dictsort %}{{ k }}:{{ v }}{% endfor %}",
        "{% if a is string and m is mapping and a is not none and n is number %}{{ a }}{% endif %}",
        "{% if a | length > 0 and a | length != 0 and a %}{{ a }}{% endif %}",
        "{% macro f(x) %}<{{ x }}>{% endmacro %}{{ f(a) }}{% set c %}{{ a }}{% endset %}{{ c | trim }}",
        "{% if i == i and i != j and i | length == 12 %}{{ i }}{% endif %}",
        "{% if 'content' in m and m.get('content') and m['args'] is defined %}{{ m.content }}{% endif %}",
        "{{ t[3:] }}{{ t[:-4] }}{{ (m | tojson)[:-1] }}",
        "{% if a == none or n == none or a == false %}x{% endif %}{{ a }}",
        "{% set ns = namespace(x='') %}{% set ns.x = ns.x + a %}{{ ns.x }}",
        "{% if a[0].type == 'text' %}x{% endif %}{{ a }}",
    ],
)
def test_what_is_only_written_asks_nothing(template: str) -> None:
    found = watch(template)
    assert (found.contained, found.within, found.outer, found.folded, found.opaque) == ((), (), (), (), "")


@pytest.mark.parametrize(
    ("template", "kind", "word", "contents"),
    [
        ("{{ 'x' if '</think>' in a }}", "contained", "</think>", {0}),
        ("{% set tag = '<|end|>' %}{{ a.split(tag)[-1] }}", "contained", "<|end|>", {0}),
        ("{{ a | replace('x!', 'y') }}{{ a.replace('x!', 'y') }}", "contained", "x!", {0}),
        ("{{ 'x' if (a ~ '|' ~ b).startswith('[{') }}", "contained", "[{", {0, 1}),
        ("{% set c %}{{ a }}{% endset %}{{ 'x' if 'w!' in c }}", "contained", "w!", {0}),
        ("{% macro f(x) %}{{ 'x' if 'w!' in x }}{% endmacro %}{{ f(a) }}", "contained", "w!", {0}),
        ("{{ 'x' if a[0] == '{' }}", "contained", "{", {0}),
        ("{{ a | indent(2) }}", "contained", "\n", {0}),
        ("{{ 'x' if a == 'user' }}", "within", "user", {0}),
        ("{{ 'x' if a in ['yes', 'no'] }}", "within", "yes", {0}),
        ("{{ 'x' if a in 'one two' }}", "within", "one two", {0}),
        ("{{ 'x' if t == '<t>now</t>' }}", "within", "<t>now</t>", {2}),
        ("{{ [m] | selectattr('content', 'equalto', 'no') | list | length }}", "within", "no", {0}),
        ("{{ a.strip('-') }}{{ a | trim('-') }}", "outer", "-", {0}),
        ("{{ 'x' if 'now' in a | lower }}", "folded", "now", {0}),
    ],
)
def test_questions_become_conditions(template: str, kind: str, word: str, contents: set[int]) -> None:
    found = watch(template)
    assert found.opaque == "" and (word, frozenset(contents)) in getattr(found, kind)


@pytest.mark.parametrize("template", ["{{ 'x' if a == b }}", "{{ 'x' if m == {'content': b, 'args': m.args} }}"])
def test_whether_two_contents_are_the_same_is_a_condition(template: str) -> None:
    found = watch(template)
    assert (found.distinct, found.opaque) == (((0, 1),), "")


def test_whether_a_content_is_a_number_is_a_condition() -> None:
    assert watch("{% if a | int | string == a %}number{% endif %}").numbers == {0}


@pytest.mark.parametrize(
    "template",
    [
        "{{ 'x' if a | length > 9 }}",
        "{{ 'x' if t == a }}",
        "{{ 'x' if a < 'k' }}",
        "{{ 'x' if n > 5 }}",
        "{{ 'x' if n == 5 }}",
        "{{ 'x' if a | upper == 'NO' }}",
        "{{ 'x' if (a | lower) == 'no' }}",
        "{{ a | title }}",
        "{{ a.upper() }}",
        "{{ a.split() | length }}",
        "{{ [a, b] | sort | first }}",
        "{{ [a, b] | unique | list }}",
        "{{ [m] | map(attribute='content') | unique | list }}",
        "{{ {'x': 1}[a] }}",
        "{{ {'x': 1}.get(a) }}",
        "{% for sign in a %}{{ sign }}{% endfor %}",
        "{{ 'x' if a[1:3] == 'Zq' }}",
        "{{ 'x' if a in b }}",
        "{{ 'xyz'.startswith(a) }}",
        "{{ n | round }}",
        "{{ 'x' if 't>now' in t }}",
        "{% for x in [a, b] %}{{ 'x' if loop.changed(x) }}{% endfor %}",
        "{{ range(n) | length }}",
        "{{ m.args | dictsort(by='value') | list }}",
        "{{ 'x' if a is in (['y', b] | map('trim')) }}",
        "{{ a.encode() }}",
    ],
)
def test_what_no_condition_answers_is_said(template: str) -> None:
    assert watch(template).opaque != ""


def test_a_template_that_is_no_template_cannot_be_watched() -> None:
    assert shared_renderer().watch("{% for %}", [{"messages": []}]) is None
