"""Control tokens of chat formats, as they look in text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.chat import ChatTarget

WELL_KNOWN = re.compile(
    r"<\|(?:im_start|im_end|im_sep|endoftext|begin_of_text|end_of_text|eot_id|eom_id|start_header_id|end_header_id"
    r"|system|user|assistant|observation|end|end_of_turn|end_of_role|start_of_role|python_tag|endofprompt|return|call"
    r"|START_OF_TURN_TOKEN|END_OF_TURN_TOKEN|USER_TOKEN|CHATBOT_TOKEN|SYSTEM_TOKEN|eos|bos|pad)\|>"
    r"|</?s>|<(?:start|end)_of_turn>|<bos>|<eos>|<pad>"
    r"|\[/?INST\]|\[/?AVAILABLE_TOOLS\]|\[TOOL_CALLS\]|\[/?TOOL_RESULTS\]|<</?SYS>>"
    r"|<｜(?:begin▁of▁sentence|end▁of▁sentence|User|Assistant)｜>"
)
"""ChatML, Llama 2 and 3, Mistral, Gemma, Phi, Command-R, Granite, DeepSeek, gpt-oss."""


def control_tokens_of(target: ChatTarget | None) -> re.Pattern[str] | None:
    """A target's special tokens that have the form of one; None without a target.

    Names in plain angle brackets ("<filename>") are left out unless the template ends turns with them: people
    write those, and one in a text does no more harm than an odd word.
    """
    if target is None:
        return None
    tokens = {str(token.content) for token in target.tokenizer.added_tokens_decoder.values() if token.special}
    chosen = {token for token in tokens if WELL_KNOWN.fullmatch(token) or re.fullmatch(r"<[|｜].+[|｜]>", token)}
    chosen |= {text for text in target.stop_texts if text in tokens}
    return re.compile("|".join(map(re.escape, sorted(chosen, key=len, reverse=True)))) if chosen else None
