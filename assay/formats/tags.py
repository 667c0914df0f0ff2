"""Tags of LLaMA-Factory's dataset_info.json: other names for roles, and for the keys of a turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from assay.formats.format import Row
from assay.records import Json

ROLE_TAGS = {
    "user_tag": "human",
    "assistant_tag": "gpt",
    "observation_tag": "observation",
    "function_tag": "function_call",
    "system_tag": "system",
}


@dataclass(frozen=True)
class Tags:
    """roles: name in the file -> ShareGPT's; role_key and content_key: the keys of a turn; turns: its columns."""

    roles: Mapping[str, str]
    role_key: str
    content_key: str
    turns: tuple[str, ...]

    @classmethod
    def of(cls, tags: Mapping[str, str], turns: tuple[str, ...]) -> Tags:
        return cls(
            {tags[key]: role for key, role in ROLE_TAGS.items() if key in tags},
            tags.get("role_tag", "from"),
            tags.get("content_tag", "value"),
            turns,
        )

    def apply(self, row: Row) -> Row:
        """The row with its turns as ShareGPT spells them; whatever is no turn stays as it is."""
        return {key: self._turns(value) if key in self.turns else value for key, value in row.items()}

    def _turns(self, value: Json) -> Json:
        if isinstance(value, list):
            return [self._turns(item) for item in value]
        if not isinstance(value, Mapping) or self.role_key not in value:
            return value
        turn = {key: item for key, item in value.items() if key not in (self.role_key, self.content_key)}
        role = value[self.role_key]
        turn["from"] = self.roles.get(role, role) if isinstance(role, str) else role
        if self.content_key in value:
            turn["value"] = value[self.content_key]
        return turn
