"""Does code parse, in the languages that have a strict parser at hand: Python, YAML, TOML and XML.

Other languages are not judged. sqlglot was left out because it guesses between dialects and takes milliseconds a
statement; tree-sitter because its parsers recover from errors, and call an excerpt, which most code in answers is,
an error as readily as a mistake. JSON has a check of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .python_code import MAX_CHARACTERS, Fault, python_fault

_TEMPLATED = re.compile(r"\{\{|\{%|<%|\$\{|^\s*(?:\.{3}|…)\s*$|^\s*#\s*\.{3}", re.MULTILINE)
_XML_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")


def fault_in(language: str, source: str) -> Fault | None:
    """None where the code parses, or the language is not judged. Never executes anything."""
    judge = _JUDGES.get(language)
    return judge(source) if judge is not None and len(source) <= MAX_CHARACTERS and source.strip() else None


def is_judged(language: str) -> bool:
    return language in _JUDGES


def _yaml_fault(source: str) -> Fault | None:
    """Only events are made: no objects, no aliases followed."""
    import yaml

    if _TEMPLATED.search(source):
        return None
    loader: type[yaml.SafeLoader] | type[yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for _ in yaml.parse(source, Loader=loader):
            pass
    except yaml.MarkedYAMLError as error:
        if "nesting depth" in str(error.problem):
            return None
        mark = error.problem_mark
        return Fault(mark.line + 1 if mark is not None else 1, str(error.problem or error.context or "no YAML"))
    except (yaml.YAMLError, RecursionError, ValueError):
        return None  # characters that YAML forbids, or nesting too deep to judge
    return None


def _toml_fault(source: str) -> Fault | None:
    import tomllib

    if _TEMPLATED.search(source):
        return None
    try:
        tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        return Fault(int(line.group(1)) if line else source.count("\n") + 1, str(error))
    except (RecursionError, ValueError):
        return None
    return None


def _xml_fault(source: str) -> Fault | None:
    """Well-formedness; an excerpt may have several roots. What declares entities is not judged."""
    from xml.parsers import expat

    if "<!" in source.replace("<!--", "") or _TEMPLATED.search(source):
        return None
    parser = expat.ParserCreate()
    try:
        parser.Parse(f"<_>{_XML_DECLARATION.sub('', source, count=1)}</_>".encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        problem = expat.ErrorString(error.code) or "not well-formed"
        return None if problem == expat.errors.XML_ERROR_UNDEFINED_ENTITY else Fault(error.lineno, problem)
    return None


_JUDGES: dict[str, Callable[[str], Fault | None]] = {
    **dict.fromkeys(("python", "py", "python3", "ipython", "ipython3"), python_fault),
    **dict.fromkeys(("yaml", "yml"), _yaml_fault),
    "toml": _toml_fault,
    **dict.fromkeys(("xml", "svg", "xsd"), _xml_fault),
}

_ASKS_FOR_PYTHON = re.compile(r"\bpython\b", re.IGNORECASE)
_OPENS_PYTHON = re.compile(r"(?:#!.*python|#.*\n)*\s*(?:def |class |import \w|from \w[\w.]* import |@\w+|async def )")
_TOP_LEVEL = re.compile(
    r"(?:def|class|import|from|if|elif|else|for|while|with|try|except|finally|return|async|await|raise|assert|global|del|pass"
    r"|print|match|case|yield|lambda|not|break|continue)\b|[#@)\]}\"'(\[{]|[A-Za-z_][\w.]*(?:\[.*\])?\s*(?:[-+*/%|&^]?=|\()"
    r"|[A-Za-z_][\w.]*(?:\s*,\s*[A-Za-z_]\w*)+\s*="
)


def bare_python(question: str, answer: str) -> str | None:
    """The answer, where the question asks for Python and the answer is code and nothing else; else None."""
    if not _OPENS_PYTHON.match(answer) or not _ASKS_FOR_PYTHON.search(question) or "```" in answer:
        return None
    lines = answer.splitlines()
    if len(lines) > 1 and all(line[:1] in ("", " ", "\t") or _TOP_LEVEL.match(line) for line in lines):
        return answer
    return None
