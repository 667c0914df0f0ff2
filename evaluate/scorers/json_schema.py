from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.errors import require
from assay.records import Json
from assay.storage import sha256_file

from ..outputs.json_values import json_values
from ..scorer import scorer


def _validate(settings: Mapping[str, Any]) -> None:
    require("scorers", "jsonschema")
    if settings.get("schema") and settings.get("file"):
        raise ValueError("give `schema` or `file`, not both")
    if not isinstance(settings.get("schema") or {}, Mapping):
        raise ValueError("`schema` should be a JSON schema")
    if settings.get("schema") or settings.get("file"):
        _validator(_schema("", **settings))


@scorer(is_answer=lambda settings: bool(settings.get("schema") or settings.get("file")), validate=_validate)
def json_schema(
    output: str,
    reference: str,
    *,
    schema: Mapping[str, Any] | None = None,
    file: str = "",
    alone: bool = False,
    sha256: str = "",
) -> float:
    """1 when the JSON in the output is as the JSON schema says.

    The schema is the item's reference; or the same for all items, in the suite (`schema`) or in a file beside it
    (`file`), and then the reference is an answer. The first JSON object or array of the output counts, whatever stands
    around it; with `alone` the output must be JSON and nothing else. `format` is checked. A `$ref` to another document
    is an error: nothing is fetched. `sha256` is filled in when the suite is read, so that a changed file is noticed.
    """
    validator = _validator(_schema(reference, schema, file, sha256=sha256))
    try:
        value = json.loads(output) if alone else next(json_values(output))[0]
    except (StopIteration, ValueError, RecursionError):
        return 0.0
    try:
        return float(validator.is_valid(value))
    except RecursionError:
        return 0.0


def _schema(
    reference: str, schema: Mapping[str, Any] | None = None, file: str = "", sha256: str = "", alone: bool = False
) -> Json:
    if schema:
        return schema
    if not file:
        return json.loads(reference)
    if sha256 and sha256_file(Path(file)) != sha256:
        raise ValueError(f"{file} has changed since the suite was read")
    return json.loads(Path(file).read_text(encoding="utf-8"))


def _validator(schema: Json) -> Any:
    """Of the draft that the schema names. Raises ValueError when it is no schema."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for
    from referencing import Registry

    if not isinstance(schema, Mapping):
        raise ValueError("the schema is not a JSON object")
    draft = validator_for(schema, default=Draft202012Validator)
    try:
        draft.check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"is no JSON schema: {error.message:.200}") from error
    return draft(schema, registry=Registry(), format_checker=draft.FORMAT_CHECKER)
