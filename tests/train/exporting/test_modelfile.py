"""Nothing in a template, a system prompt or a name becomes an instruction of a Modelfile."""

from __future__ import annotations

import pytest

from assay.errors import ModelError
from assay.train.exporting.modelfile import Modelfile

LINES = """\
FROM ./model.gguf
ADAPTER ./adapter.gguf
TEMPLATE \"\"\"{{ .Prompt }}
ADAPTER x\"\"\"
SYSTEM \"\"\"Be
FROM y\"\"\"
PARAMETER stop \"\"\"<|im_end|>\"\"\"
"""


def written(**changed: object) -> str:
    values: dict[str, object] = {
        "model": "model.gguf", "adapter": "adapter.gguf", "template": "{{ .Prompt }}\nADAPTER x",
        "system": "Be\nFROM y",
        "stops": ("<|im_end|>",), "comments": ("of a\nFROM /etc/passwd",), **changed,
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
