"""Phrases by which other models are known: what they call themselves, their excuses, their last words.

Languages: English, German, Spanish, French, Italian, Portuguese, Russian, Chinese, Japanese, Korean, Arabic.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from ..cues import Cues, first_bytes

Kind = Literal["identity", "self_reference", "knowledge_cutoff", "closing"]

LANGUAGES = ("en", "de", "es", "fr", "it", "pt", "ru", "zh", "ja", "ko", "ar")
LONGEST = 200_000

_VENDORS = (
    r"(?:OpenAI|Open AI|Anthropic|Google(?: DeepMind)?|DeepMind|Meta(?: AI)?|Microsoft|Mistral(?: AI)?|DeepSeek"
    r"|深度求索|Alibaba(?: Cloud)?|阿里(?:巴巴|云)?|百度|Baidu|Moonshot AI|月之暗面|智谱(?:AI)?|Zhipu AI|01\.AI"
    r"|Cohere|xAI|Stability AI|Hugging ?Face|LAION|LMSYS|Large Model Systems Organization|ByteDance"
    r"|字节跳动|Tencent|腾讯"
    r"|iFlytek|科大讯飞)"
)
_MODELS = (
    r"(?:ChatGPT|Chat GPT|GPT-?[34](?:\.\d)?o?(?:[- ]turbo)?|Claude|Bard|Gemini|Gemma|LLaMA|Llama|Vicuna|Alpaca"
    r"|Mistral|Mixtral"
    r"|DeepSeek(?:-\w+)?|Qwen|通义千问|文心一言|ERNIE Bot|Kimi|ChatGLM|Grok|Copilot|Bing Chat|Command R\+?|Falcon|Koala"
    r"|Open ?Assistant|Yi-\d+B|豆包|讯飞星火|混元)"
)
_MADE = (
    r"(?:trained|developed|created|made|built|designed|trainiert|entwickelt|erstellt|geschaffen|entrenad[oa]"
    r"|desarrollad[oa]"
    r"|cread[oa]|entraîné|développé|créé|conçu|addestrat[oa]|sviluppat[oa]|creat[oa]|treinad[oa]|desenvolvid[oa]"
    r"|criad[oa])"
)
_BY = r"(?:by|from|von|por|par|da|dalla|pela|pelo)"
_I_AM = (
    r"(?:I am|I'm|I’m|my name is|you can call me|call me|ich bin|ich heiße|mein name ist|soy|me llamo|mi nombre es"
    r"|je suis|je m['’]appelle|sono|mi chiamo|sou|chamo-me|me chamo|я|меня зовут|我是|我叫|私は|저는|أنا|اسمي)"
)
_AS = rf"(?:as|als|como|en tant que|in quanto|作为|作為)\s*{_MODELS}(?=\s*[,，]\s*(?:I\b|ich\b|yo\b|no\b|je\b|我))"
_NOT_AS_NOUN = r"(?![A-Za-z0-9_-]|\s+(?:is|was|are|and|or|user|model's|ist|es|est)\b)"

_IDENTITY = re.compile(
    rf"(?:^|(?<=[\s\"“'(,.!?。，！])){_I_AM}\s*(?:an?\s+|the\s+|ein(?:e|em|en)?\s+|un[ae]?\s+)?{_MODELS}{_NOT_AS_NOUN}"
    rf"|(?:\b|(?=[作])){_AS}"
    rf"|\b(?:I am|I'm|I’m|I was|I have been"
    rf"|as)\b[^.\n]{{0,60}}\b{_MADE}\s+(?:and \w+ )?{_BY}\s+(?:the \w+ )?{_VENDORS}\b"
    rf"|\b(?:ich bin|ich wurde|als)\b[^.\n]{{0,40}}\bvon\s+{_VENDORS}\b[^.\n]{{0,20}}\b{_MADE}"
    rf"|\b(?:ich bin|ich wurde|soy|fui|he sido|como|je suis|j['’]ai été|en tant que|sono|sono stato|sou"
    rf"|fui)\b[^.\n]{{0,60}}"
    rf"\b{_MADE}\s+{_BY}\s+{_VENDORS}\b"
    rf"|(?:我是|我由|作为|作為)[^。\n]{{0,20}}{_VENDORS}[^。\n]{{0,10}}(?:开发|開發|训练|訓練|研发|研發|推出|创建)"
    rf"|(?:私は|わたしは)[^。\n]{{0,20}}{_VENDORS}[^。\n]{{0,10}}(?:開発|訓練|作成|作ら)"
    rf"|أنا[^.\n]{{0,40}}(?:طورت|دربت|أنشأت|من تطوير|تم تطوير|تم تدريب)[^.\n]{{0,20}}{_VENDORS}",
    re.IGNORECASE,
)
_SELF_REFERENCE = re.compile(
    r"\b(?:as|being|since I(?:'m| am)|because I(?:'m| am)|I(?:'m| am)(?: just| only| merely)?"
    r"(?=[^.\n]{0,80}(?:\bnot\b|n['’]t\b|\bcannot\b|\bunable\b|\black\b|\bwithout\b|\bonly\b)))\s+an?\s+(?:\w+\s+)?"
    r"(?:AI(?:[- ](?:language )?(?:model|assistant|chatbot))?|artificial intelligence(?: \w+)?"
    r"|(?:large )?language model|LLM"
    r"|chatbot|virtual assistant)\b(?=\s*[,.;:]|\s+(?:language|model|assistant|and|I\b|so|that|without|my|trained"
    r"|developed"
    r"|created|programmed|designed))"
    r"|\bals\s+(?:ein(?:e|em)?\s+)?(?:KI(?:[- ](?:Sprachmodell|Modell|Assistent(?:in)?))?|künstliche(?:n"
    r"|r)? Intelligenz"
    r"|(?:großes )?Sprachmodell)\b"
    r"|\bcomo\s+(?:(?:una|uma|um|un)\s+)?(?:IA\b|inteligencia artificial|inteligência artificial"
    r"|modelo de (?:lenguaje|linguagem|IA)|asistente (?:virtual|de IA)|assistente (?:virtual|de IA))"
    r"|\ben tant qu(?:e\s+|['’]\s*)(?:\w+\s+)?(?:IA\b|intelligence artificielle|modèle de langage|assistant virtuel"
    r"|assistant IA)"
    r"|\b(?:in quanto|come|essendo)\s+(?:un['’]?\s*|una\s+)?(?:IA\b|intelligenza artificiale|modello linguistico)"
    r"|\bкак\s+(?:языковая модель|искусственный интеллект|ИИ\b|нейросеть)"
    r"|(?:作为|作為|身为|身為)(?:一个|一個|一名|一款)?\s*(?:AI|人工智能|人工智慧|语言模型|語言模型|大型语言模型|大语言模型)"
    r"|(?:AI|人工知能|言語モデル|大規模言語モデル)(?:アシスタント|言語モデル)?(?:として|なので|であるため|ですので)"
    r"|(?:AI|인공지능|언어 모델)(?:로서|이기 때문에|이므로)"
    r"|(?:بصفتي|كوني|باعتباري|بما أنني|كنموذج)\s*(?:نموذج|لغوي|لغة|مساعد|ذكاء|لغوية)",
    re.IGNORECASE,
)
_CUTOFF = re.compile(
    r"\b(?:as of|up to|until|since)\s+my\s+(?:last|latest|most recent)?\s*(?:knowledge|training)\b[^.\n]{0,40}"
    r"|\bmy\s+(?:last\s+)?(?:knowledge|training)(?:\s+data)?\s+(?:cut-?\s?off|update|only (?:goes|extends)|ends in"
    r"|was last updated)"
    r"|\bknowledge cut-?\s?off\b|\bmy training data (?:only )?(?:goes|extends|includes|is current|ends)"
    r"|\bmein(?:e|em)?\s+(?:letzte[sn]?\s+)?(?:Wissens(?:stand|stichtag)|Trainingsdaten)\b"
    r"|\bletzten Wissensaktualisierung\b"
    r"|\b(?:mi|meu)\s+(?:última actualización|última atualização|conocimiento (?:llega|se extiende|está actualizado)"
    r"|fecha de corte)|\bmes connaissances (?:s['’]arrêtent|ne vont|sont limitées|datent)|\bma dernière mise à jour"
    r"|\bмо(?:и|ё|ей) (?:знани\w+ (?:ограничены|актуальны)|последне\w+ обновлени\w+)"
    r"|我的(?:知识|知識)(?:截止|更新|库|庫)|(?:知识|知識)截止(?:日期|到|于)?"
    r"|私の知識は|学習データは\d{4}年|내 지식은|제 지식은"
    r"|آخر تحديث لمعرفتي|معرفتي (?:تنتهي|محدودة|حتى)|حتى آخر تحديث",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"\b(?:I )?hope (?:this|that|it) helps?\b|\b(?:please )?(?:let me know"
    r"|feel free to ask)\b[^.\n]{0,20}\bif (?:you (?:have|need)"
    r"|there(?:'s| is))[^.\n]{0,40}(?:questions?|help|anything else|assistance|clarification)"
    r"|\bis there anything else (?:I can|you)|\bich hoffe,? (?:das|dies) hilft"
    r"|\bwenn du (?:noch )?(?:weitere )?Fragen hast"
    r"|\bwenn Sie (?:noch )?(?:weitere )?Fragen haben|\bespero que (?:esto|te|le|isso|isto)?\s*(?:ayude|sirva|ajude)"
    r"|\bj['’]espère que (?:cela|ça) (?:vous|t['’])?\s*aide|\bn['’]hésitez pas à (?:me )?(?:demander|poser)"
    r"|\bspero (?:che )?(?:questo )?(?:ti|le|vi)?\s*(?:sia|aiuti)|\bнадеюсь,? (?:это|что) \w+ помо"
    r"|希望(?:这|這)?(?:些)?(?:信息|资讯|回答|内容)?(?:能|对|對|可以)?(?:您|你)?(?:有所)?(?:帮助|幫助)|如果(?:您|你)(?:还)?有(?:任何)?(?:其他)?问题"
    r"|お役に立てれば|ご参考になれば|도움이 되(?:었|길|셨)|آمل أن (?:يكون|تكون|يساعد)|أتمنى أن يكون هذا",
    re.IGNORECASE,
)
_NAMES = (
    "GPT", "OpenAI", "Open AI", "Anthropic", "Claude", "Google", "DeepMind", "Gemini", "Gemma", "L[Ll]a[Mm][Aa]",
    "Meta", "Vicuna", "Alpaca", "LMSYS", "Large Model", "M[ix][sx]tral", "DeepSeek", "Qwen", "Alibaba", "Baidu", "Bard",
    "Grok", "Copilot", "Microsoft", "Cohere", "Hugging", "Kimi", "Falcon", "Koala", "OpenAssistant", "Open Assistant",
    "Bing", "LAION", "ERNIE", "Moonshot", "Stability", "Command R", "Tencent", "ByteDance", "xAI", "Yi-", "01[.]AI",
)  # fmt: skip
_NAMED = re.compile("|".join(_NAMES))
"""Cheap: what an identity in a Latin script names, written as these names are."""

_CUES: dict[Kind, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "self_reference": (
        ("AI", "anguage model", "rtificial intel", "LLM", "hatbot", "irtual assistant"),
        ("KI", "IA", "prachmodell", "ntelig", "ntellig", "odelo de", "odèle", "odello", "ssistent"),
    ),
    "knowledge_cutoff": (
        ("nowledge", "y training", "y last"),
        ("issens", "rainingsdaten", "ualiza", "onocimiento", "de corte", "onnaissances", "mise à jour"),
    ),
    "closing": (
        ("ope th", "ope it", "et me know", "eel free", "nything else"),
        ("hoffe", "ragen ha", "sper", "spère", "ésitez"),
    ),
}
"""Of each kind, cues of which one stands in every match in a Latin script: of English, and of the other languages. They
lack their first letter where that may be a capital."""

_PATTERNS: dict[Kind, re.Pattern[str]] = {
    "self_reference": _SELF_REFERENCE,
    "knowledge_cutoff": _CUTOFF,
    "closing": _CLOSING,
}
_OTHER_SCRIPTS = re.compile("[\u0400-\u04ff\u0600-\u06ff\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7a3]")

CUES = Cues(
    *_NAMES,
    *(cue for both in _CUES.values() for cues in both for cue in cues),
    raw=(*first_bytes("\u0400", "\u04ff"), *first_bytes("\u0600", "\u06ff"), *first_bytes("\u3040", "\ud7a3")),
)
"""What no answer lacks in which `phrases` finds one."""

_ABOUT_MODELS = re.compile(
    r"\b(?:AI|A\.I\.|artificial intelligence|language models?|LLMs?|chat ?bots?|robots?|machine learning|neural"
    r"|assistants?"
    r"|GPT|OpenAI|Siri|Alexa|KI|künstliche\w* Intelligenz|Sprachmodell\w*|IA|inteligencia artificial"
    r"|inteligência artificial"
    r"|intelligence artificielle|modelos? de lenguaje|modèles? de langage|intelligenza artificiale|ИИ|нейросет\w*)\b"
    r"|人工智能|人工智慧|语言模型|語言模型|机器人|人工知能|言語モデル|ロボット|인공지능|الذكاء الاصطناعي|نموذج لغوي"
)
_TO_THE_ASSISTANT = re.compile(
    r"\b(?:who|what) are you\b|\byour (?:name|favou?rite|opinion|age|creator|developer|training|knowledge|feelings?"
    r"|dreams?|hobb)"
    r"|\b(?:are|do|did|can|could|have|will|would|were) you\b|\byou(?:rself|'re)\b|\b(?:wer|was) (?:bist|sind) (?:du"
    r"|sie)\b"
    r"|\b(?:bist|hast|kannst|magst) du\b|\bquién eres|\beres\b|\btienes\b|\bqui (?:es-tu|êtes-vous)|\bes-tu\b|\bas-tu\b"
    r"|你是|您是|你有|你会|你叫|あなた|넌|당신|من أنت|هل أنت|هل لديك|\bкто ты\b|\bты\b",
    re.IGNORECASE,
)


class Phrase(NamedTuple):
    """Characters [start, end) of an answer."""

    kind: Kind
    start: int
    end: int
    text: str


def phrases(answer: str) -> Iterator[Phrase]:
    """The first phrase of each kind. Cheap where none of the cues is in the answer."""
    other_script = not answer.isascii() and _OTHER_SCRIPTS.search(answer, 0, LONGEST) is not None
    if other_script or _NAMED.search(answer, 0, LONGEST) is not None:
        yield from _first("identity", _IDENTITY, answer)
    english = " the " in answer or " to " in answer
    for kind, (of_english, of_others) in _CUES.items():
        if other_script or _has_one(answer, of_english) or (not english and _has_one(answer, of_others)):
            yield from _first(kind, _PATTERNS[kind], answer)


def _first(kind: Kind, pattern: re.Pattern[str], answer: str) -> Iterator[Phrase]:
    match = pattern.search(answer, 0, LONGEST)
    if match is not None:
        yield Phrase(kind, match.start(), match.end(), match.group().strip())


def _has_one(answer: str, cues: tuple[str, ...]) -> bool:
    for cue in cues:  # noqa: SIM110 - any() takes as long again as the search
        if cue in answer:
            return True
    return False


def is_about_models(prompt: str) -> bool:
    """Whether a prompt speaks of artificial intelligence, chatbots or the like."""
    return _ABOUT_MODELS.search(prompt) is not None


def asks_the_assistant(prompt: str) -> bool:
    """Whether a prompt asks the assistant about itself, so that it has reason to say what it is."""
    return _TO_THE_ASSISTANT.search(prompt) is not None


def names_in(phrase: str) -> list[str]:
    """The models and vendors that a phrase names."""
    return [match.group() for match in re.finditer(rf"{_MODELS}|{_VENDORS}", phrase, re.IGNORECASE)]
