"""Code in answers: what does not parse is found; excerpts, prompts, magics, versions and templates are allowed for."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.curate.answers.code import bare_python, fault_in, is_judged
from assay.curate.answers.fences import fenced_blocks
from assay.curate.check import Context
from assay.curate.checks.code_syntax import code_syntax
from assay.findings import Severity
from assay.records import Record

Make = Callable[..., Record]


@pytest.mark.parametrize(
    ("language", "source"),
    [
        ("python", "def add(a, b)\n    return a + b\n"),
        ("python", "def factorial(n):\nif n == 0:\nreturn 1\n"),
        ("python", "print('a'\nx = 1\n"),
        ("py", "x = [1, 2\ny = 3\n"),
        ("python", "1. Import the library\n    import nltk\n"),
        ("yaml", "a: b: c\n"),
        ("yaml", "a:\n  - b\n c: d\n"),
        ("yaml", "key: [1, 2\n"),
        ("toml", "a = \n"),
        ("toml", "[a]\nb = 1\nb = 2\n"),
        ("xml", "<a><b></a></b>"),
        ("xml", "<a b=c>text</a>"),
    ],
)
def test_code_that_does_not_parse_is_found(language: str, source: str) -> None:
    assert fault_in(language, source) is not None


@pytest.mark.parametrize(
    ("language", "source"),
    [
        ("python", ">>> a = 1\n>>> for x in y:\n...     print(x)\n1\n"),
        ("python", ">>> print 1, 2\n"),
        ("python", "%matplotlib inline\n!pip install x\nimport x\nx?\n"),
        ("python", "pip install torch\nimport torch\n"),
        ("python", "await main()\nreturn 3\n"),
        ("python", "    x = 1\n    return x\n"),
        ("python", "for x in y:\n        print(x)\n    return z\n"),
        ("python", "else:\n    x = 2\n"),
        ("python", "except ValueError:\n    pass\n"),
        ("python", "def f(a: int) -> int:\n"),
        ("python", "def f(a, b)\n"),
        ("python", "class A(B):\n    def f(self):\n"),
        ("python", "def f():\n    # do something here\n\nf()\n"),
        ("python", "f(x, y=1, ...)\n"),
        ("python", "x = {\n    'a': 1,\n    ...\n}\n"),
        ("python", "x = 1\n...\n…\n[...]\ny = 2\n"),
        ("python", "print 'hello'\n"),
        ("python", "try:\n    pass\nexcept ValueError, e:\n    raise\n"),
        ("python", "api_key = <your key here>\n"),
        ("python", "In [1]: x = 1\nOut[1]: 1\n"),
        ("python", "<div>{{ x }}</div>"),
        ("python", "import os\n\u00a0\u00a0\n"),
        ("python", "if x:\n\ty = 1\n        z = 2\n"),
        ("python", "x = '\\d'\nassert (x, 'always')\n"),
        ("python", "type A = int\n"),
        ("python", "(" * 5000 + ")" * 5000),
        ("python", "(" * 5000),
        ("python", "-" * 100_000 + "1 ="),
        ("python", "x = 1\0"),
        ("python", "x = '\ud800"),
        ("yaml", "a: {{ b }}\nc: d: e\n"),
        ("yaml", "a: 1\n---\nb: [1, 2]\n"),
        ("yaml", "&a [*a, *a]\n"),
        ("yaml", "[" * 40_000 + "]" * 40_000),
        ("toml", "a = 1\n...\n"),
        ("xml", '<?xml version="1.0"?>\n<a>é&nbsp;</a>\n<b x:y="1"/>'),
        ("xml", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;"),
        ("javascript", "function ("),
        ("", "def f("),
    ],
)
def test_what_parses_in_some_reading_or_cannot_be_judged_is_left_alone(language: str, source: str) -> None:
    assert fault_in(language, source) is None


def test_a_block_of_an_answer_is_found_with_its_line(make: Make) -> None:
    answer = "Here:\n```python\nx = 1\nprint(x\ny = 2\n```\nDone."
    finding = next(iter(code_syntax.function(make("Write it.", answer), Context([]))))
    assert (finding.severity, finding.evidence["language"]) == (Severity.ERROR, "python")
    assert finding.span is not None and answer[finding.span.start : finding.span.end] == "x = 1\nprint(x\ny = 2\n"


def test_where_the_talk_is_of_errors_it_is_a_fact(make: Make) -> None:
    record = make("Find the bug.", "This is wrong:\n```python\ndef f(\n```")
    assert [f.severity for f in code_syntax.function(record, Context([]))] == [Severity.INFO]


@pytest.mark.parametrize(
    "answer",
    [
        "```python\nx = 1\nprint(x",
        "```\ndef f(\n```",
        "```pythonic\ndef f(\n```",
        "Use `def f(` to begin.",
        "def f(x) means that f takes x.",
    ],
)
def test_unclosed_and_unmarked_blocks_are_not_judged(make: Make, answer: str) -> None:
    assert list(code_syntax.function(make("Write it in Python.", answer), Context([]))) == []


def test_an_answer_that_is_python_alone_is_judged_where_python_is_asked_for(make: Make) -> None:
    broken = "def add(a, b):\nreturn a + b"
    assert len(list(code_syntax.function(make("Write it in Python.", broken), Context([])))) == 1
    assert list(code_syntax.function(make("Write it in Ruby.", broken), Context([]))) == []
    assert bare_python("In Python", f"{broken}\nThis adds two numbers that are given to it.") is None


def test_fences_of_all_kinds() -> None:
    text = "~~~yaml\na: 1\n~~~\n````md\n```python\nx\n```\n````\n> ```{.python .x}\nz\n> ```\n```json title=a.json\n{}"
    assert [(f.language, f.body, f.closed) for f in fenced_blocks(text)] == [
        ("yaml", "a: 1\n", True),
        ("md", "```python\nx\n```\n", True),
        ("python", "z\n", True),
        ("json", "{}", False),
    ]


@given(st.sampled_from(["python", "yaml", "toml", "xml"]), st.text(max_size=300))
def test_no_text_makes_a_parser_fail(language: str, source: str) -> None:
    assert is_judged(language)
    fault_in(language, source)


@pytest.mark.parametrize("unit", ["```python\n", "```\n", "(", "a.", "- ", "not ", "x\n", "<a>", "[", "`", "a: ", "\\"])
@pytest.mark.parametrize("language", ["python", "yaml", "toml", "xml"])
def test_long_and_hostile_text_is_bounded(make: Make, unit: str, language: str) -> None:
    started = time.perf_counter()
    fault_in(language, (unit * 100_000)[:99_999])
    list(code_syntax.function(make("Write Python.", f"```{language}\n{unit * (1_000_000 // len(unit))}"), Context([])))
    assert time.perf_counter() - started < 20
