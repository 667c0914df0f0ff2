"""Nothing in a template, a system prompt or a name becomes an instruction of a Modelfile."""

from __future__ import annotations

import pytest

from assay.errors import ModelError
from assay.train.exporting.modelfile import Modelfile, fits_quotes
from tests.train.exporting.ollama_reading import read_modelfile

LINES = """\
FROM ./model.gguf
ADAPTER ./adapter.gguf
TEMPLATE \"\"\"{{ .Prompt }}
ADAPTER x\"\"\"
SYSTEM \"\"\"Be
FROM y\"\"\"
PARAMETER num_ctx 4096
PARAMETER stop \"\"\"<|im_end|>\"\"\"
"""


def written(**changed: object) -> str:
    values: dict[str, object] = {
        "model": "model.gguf", "adapter": "adapter.gguf", "template": "{{ .Prompt }}\nADAPTER x",
        "system": "Be\nFROM y",
        "stops": ("<|im_end|>",), "num_ctx": 4096, "comments": ("of a\nFROM /etc/passwd",), **changed,
    }  # fmt: skip
    return Modelfile(**values).text()  # type: ignore[arg-type]


def test_text_of_several_lines_stays_within_its_quotes() -> None:
    assert written() == "# of a\\nFROM /etc/passwd\n" + LINES


@pytest.mark.parametrize("name", ["template", "system"])
@pytest.mark.parametrize("text", ['a"""\nFROM evil', '"a', 'a"', "a\rb", "a\x00", "a\u200bb"])
def test_what_would_end_the_quotes_is_refused(name: str, text: str) -> None:
    with pytest.raises(ModelError, match="a Modelfile cannot hold this"):
        written(**{name: text})


def test_a_stop_that_would_end_the_quotes_is_refused() -> None:
    with pytest.raises(ModelError, match="cannot hold this stop"):
        written(stops=('x"""\nFROM evil',))


def test_ollama_reads_what_was_meant() -> None:
    awkward = 'Say "x" or {{ .System }}\n\nPARAMETER num_ctx 1\n# no comment\n\tend  '
    assert read_modelfile(written(template=awkward, system=awkward, stops=("<|im_end|>", "</s>\n#", " User:"))) == [
        ("model", "./model.gguf"),
        ("adapter", "./adapter.gguf"),
        ("template", awkward),
        ("system", awkward),
        ("num_ctx", "4096"),
        ("stop", "<|im_end|>"),
        ("stop", "</s>\n#"),
        ("stop", " User:"),
    ]


def test_a_context_that_nobody_knows_is_left_to_ollama() -> None:
    assert "num_ctx" not in dict(read_modelfile(written(num_ctx=None)))


def test_every_sign_that_is_let_through_comes_back() -> None:
    codes = (*range(1, 0x3400), *range(0xFE00, 0xFF00), *range(0x1F600, 0x1F650), *range(0xE0000, 0xE0080))
    kept = [chr(code) for code in codes if fits_quotes(f"a{chr(code)}b")]
    text = "".join(f"a{sign}b" for sign in kept)
    assert dict(read_modelfile(written(system=text)))["system"] == text
    assert len(kept) > 9000
