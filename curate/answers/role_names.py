"""The role that is meant by a name of a role that no chat format knows."""

from __future__ import annotations

import re

from assay.records import ROLES

_MARKS = re.compile(r"[\s:<>|\[\](){}*#\"'`.]+|[_-]?\d+\Z|<\|?|\|?>")

_MEANT = {
    **dict.fromkeys(("system", "system prompt", "system message", "sys", "sistema", "系统", "系統"), "system"),
    **dict.fromkeys(
        (
            "user", "human", "person", "customer", "client", "prompter", "question", "questioner",
            "asker", "prompt", "instruction", "usuario", "benutzer", "nutzer", "utilisateur",
            "utente", "usuário", "пользователь", "用户", "用戶", "ユーザー", "사용자", "مستخدم", "المستخدم",
        ),
        "user",
    ),
    **dict.fromkeys(
        (
            "assistant", "gpt", "chatgpt", "bot", "chatbot", "model", "ai", "ai assistant",
            "ai_assistant", "llm", "agent", "helper", "answer", "response", "reply", "output",
            "completion", "claude", "bard", "bing", "gemini", "llama", "asistente", "assistent",
            "assistente", "ассистент", "助手", "アシスタント", "어시스턴트", "مساعد", "المساعد",
        ),
        "assistant",
    ),
    **dict.fromkeys(
        (
            "tool", "function", "observation", "tool_response", "tool response", "tool_result",
            "tool result", "function_response", "function response", "function_result", "ipython",
            "environment",
        ),
        "tool",
    ),
}  # fmt: skip


def meant_by(role: str) -> str | None:
    """A known role, where the name leaves no doubt: "Human", "gpt ", "<|assistant|>", "USER:", "bot_1"; else None."""
    plain = role.strip().casefold()
    if plain in ROLES:
        return plain
    bare = " ".join(_MARKS.sub(" ", plain).split())
    return _MEANT.get(plain) or _MEANT.get(bare) or _MEANT.get(bare.replace("_", " "))
