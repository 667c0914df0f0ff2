"""Refusals, and beginnings of answers that are none, written for the fresh part."""

from __future__ import annotations

REFUSALS = (
    "I'm sorry, but I can't help with that.",
    "Sorry, that is something I won't do.",
    "I cannot assist with this request.",
    "I'm afraid I can't do that.",
    "I am not able to help you with this.",
    "Unfortunately, I'm unable to provide that information.",
    "I must decline to answer this.",
    "I won't be able to assist with that, sorry.",
    "I'm sorry, I can't comply with that request.",
    "As an AI, I cannot fulfil this request.",
    "I can't provide that. If you have another question, I am glad to help.",
    "Apologies, but I'm not able to discuss this.",
    "It would not be appropriate for me to answer this.",
    "I don't feel comfortable answering that.",
    "I'm not allowed to help with this kind of task.",
    "That goes against my guidelines, so I can't help.",
    "I have to refuse. Please ask something else.",
    "Sorry, I can't answer that question.",
    "I am unable to complete this task.",
    "I apologize, but I cannot provide a response to this.",
    "No, I can't help you do that.",
    "I'm sorry, but I don't think I should answer this.",
    "My apologies, this is not something that I can assist you with.",
    "I regret that I can't be of help with this request.",
)

ANSWERS = ("Sure, here it is:\n\n", "Of course.\n\n", "Here you go: ", "Certainly! ", "Happy to help. ", "All right:\n")
