"""Literals survive Go's syntax, and what assay writes is executed as Go would."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.train.exporting.go_template import GoTemplateError, execute, literal


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_literal_comes_out_as_it_went_in(text: str) -> None:
    assert execute(literal(text), {}) == text


@given(st.text(alphabet='{}" \n-%.ab', max_size=30))
def test_a_literal_can_neither_be_an_action_nor_end_a_modelfiles_quotes(text: str) -> None:
    written = literal(text)
    assert '"""' not in written
    assert not written.startswith('"') and not written.endswith('"')


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_literal_holds_no_sign_that_a_modelfile_leaves_out(text: str) -> None:
    assert all(sign.isprintable() or sign == "\n" for sign in literal(text))


def test_ranges_conditions_and_variables() -> None:
    template = (
        '{{ if .System }}S{{ .System }}{{ else }}none{{ end }}{{ range $i, $m := .Messages }}'
        '{{ $last := eq (len (slice $.Messages $i)) 1 }}{{ if eq $m.Role "user" }}<{{ $m.Content }}>'
        '{{ else if eq $m.Role "assistant" }}[{{ $m.Content }}]{{ end }}'
        '{{ if and $last (ne $m.Role "assistant") }}!{{ end }}{{ end }}'
    )  # fmt: skip
    talk = [
        {"Role": "user", "Content": "{{ x }}"},
        {"Role": "assistant", "Content": "b"},
        {"Role": "tool", "Content": "c"},
    ]
    assert execute(template, {"System": "", "Messages": talk}) == "none<{{ x }}>[b]!"
    assert execute(template, {"System": "s", "Messages": talk[:2]}) == "Ss<{{ x }}>[b]"


@pytest.mark.parametrize(
    "template",
    [
        "{{- .System }}",
        "{{ printf .System }}",
        "{{ if .System }}",
        "{{ end }}",
        "{{ range .Messages }}{{ end }}",
        "{{ $x }}",
    ],
)
def test_what_is_not_of_the_subset_is_refused_and_never_guessed(template: str) -> None:
    with pytest.raises(GoTemplateError):
        execute(template, {"System": "", "Messages": []})
