"""Small sums told in German, French, Spanish, Italian and Dutch, with the numbers in words."""

# ruff: noqa: E501

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from random import Random

from general_suites.item import Item, Tier

DE_ONES = [
    "null",
    "ein",
    "zwei",
    "drei",
    "vier",
    "fünf",
    "sechs",
    "sieben",
    "acht",
    "neun",
    "zehn",
    "elf",
    "zwölf",
    "dreizehn",
    "vierzehn",
    "fünfzehn",
    "sechzehn",
    "siebzehn",
    "achtzehn",
    "neunzehn",
]
DE_TENS = ["-", "-", "zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"]
FR_ONES = [
    "zéro",
    "un",
    "deux",
    "trois",
    "quatre",
    "cinq",
    "six",
    "sept",
    "huit",
    "neuf",
    "dix",
    "onze",
    "douze",
    "treize",
    "quatorze",
    "quinze",
    "seize",
    "dix-sept",
    "dix-huit",
    "dix-neuf",
]
FR_TENS = ["-", "-", "vingt", "trente", "quarante", "cinquante", "soixante"]
ES_ONES = [
    "cero",
    "uno",
    "dos",
    "tres",
    "cuatro",
    "cinco",
    "seis",
    "siete",
    "ocho",
    "nueve",
    "diez",
    "once",
    "doce",
    "trece",
    "catorce",
    "quince",
    "dieciséis",
    "diecisiete",
    "dieciocho",
    "diecinueve",
    "veinte",
    "veintiuno",
    "veintidós",
    "veintitrés",
    "veinticuatro",
    "veinticinco",
    "veintiséis",
    "veintisiete",
    "veintiocho",
    "veintinueve",
]
ES_TENS = ["-", "-", "-", "treinta", "cuarenta", "cincuenta", "sesenta", "setenta", "ochenta", "noventa"]
ES_HUNDREDS = [
    "-",
    "ciento",
    "doscientos",
    "trescientos",
    "cuatrocientos",
    "quinientos",
    "seiscientos",
    "setecientos",
    "ochocientos",
    "novecientos",
]
IT_ONES = [
    "zero",
    "uno",
    "due",
    "tre",
    "quattro",
    "cinque",
    "sei",
    "sette",
    "otto",
    "nove",
    "dieci",
    "undici",
    "dodici",
    "tredici",
    "quattordici",
    "quindici",
    "sedici",
    "diciassette",
    "diciotto",
    "diciannove",
]
IT_TENS = ["-", "-", "venti", "trenta", "quaranta", "cinquanta", "sessanta", "settanta", "ottanta", "novanta"]
NL_ONES = [
    "nul",
    "een",
    "twee",
    "drie",
    "vier",
    "vijf",
    "zes",
    "zeven",
    "acht",
    "negen",
    "tien",
    "elf",
    "twaalf",
    "dertien",
    "veertien",
    "vijftien",
    "zestien",
    "zeventien",
    "achttien",
    "negentien",
]
NL_TENS = ["-", "-", "twintig", "dertig", "veertig", "vijftig", "zestig", "zeventig", "tachtig", "negentig"]


def german(n: int) -> str:
    """1 to 999,999. So the others."""
    if n >= 1000:
        thousands, rest = divmod(n, 1000)
        return (
            german(thousands).removesuffix("s" if thousands % 100 == 1 else "-")
            + "tausend"
            + (german(rest) if rest else "")
        )
    if n >= 100:
        return DE_ONES[n // 100] + "hundert" + (german(n % 100) if n % 100 else "")
    if n < 20:
        return "eins" if n == 1 else DE_ONES[n]
    return (DE_ONES[n % 10] + "und" if n % 10 else "") + DE_TENS[n // 10]


def french(n: int, *, last: bool = True) -> str:
    if n >= 1000:
        thousands, rest = divmod(n, 1000)
        head = "mille" if thousands == 1 else f"{french(thousands, last=False)} mille"
        return f"{head} {french(rest)}" if rest else head
    if n >= 100:
        hundreds, rest = divmod(n, 100)
        head = "cent" if hundreds == 1 else f"{FR_ONES[hundreds]} cent"
        return f"{head} {french(rest, last=last)}" if rest else head + ("s" if hundreds > 1 and last else "")
    if n < 20:
        return FR_ONES[n]
    if n < 70:
        tens, ones = divmod(n, 10)
        return FR_TENS[tens] + ("" if not ones else " et un" if ones == 1 else f"-{FR_ONES[ones]}")
    if n < 80:
        return "soixante et onze" if n == 71 else f"soixante-{FR_ONES[n - 60]}"
    return ("quatre-vingts" if last else "quatre-vingt") if n == 80 else f"quatre-vingt-{FR_ONES[n - 80]}"


def spanish(n: int) -> str:
    """Not for thousands that end in one, whose form is another."""
    if n >= 1000:
        thousands, rest = divmod(n, 1000)
        head = "mil" if thousands == 1 else f"{spanish(thousands)} mil"
        return f"{head} {spanish(rest)}" if rest else head
    if n >= 100:
        return "cien" if n == 100 else ES_HUNDREDS[n // 100] + (f" {spanish(n % 100)}" if n % 100 else "")
    if n < 30:
        return ES_ONES[n]
    return ES_TENS[n // 10] + (f" y {ES_ONES[n % 10]}" if n % 10 else "")


def italian(n: int) -> str:
    return _italian(n) + ("é" if n % 10 == 3 and n > 13 and n % 100 != 13 else "")


def _italian(n: int) -> str:
    """Without the last letter of a final `tré`."""
    cut = "tr" if n % 10 == 3 and n > 13 and n % 100 != 13 else ""
    if n >= 1000:
        thousands, rest = divmod(n, 1000)
        head = "mille" if thousands == 1 else f"{_plain(thousands)}mila"
        return head + (_italian(rest) if rest > 3 or rest in (1, 2) else "tr" if rest == 3 else "")
    if n >= 100:
        hundreds, rest = divmod(n, 100)
        head = ("" if hundreds == 1 else IT_ONES[hundreds]) + "cento"
        return head + (cut if rest == 3 else _italian(rest) if rest else "")
    if n < 20:
        return IT_ONES[n]
    tens, ones = divmod(n, 10)
    stem = IT_TENS[tens][:-1] if ones in (1, 8) else IT_TENS[tens]
    return stem + (cut if ones == 3 else IT_ONES[ones] if ones else "")


def _plain(n: int) -> str:
    """Inside a longer word `tre` bears no accent."""
    return italian(n).replace("tré", "tre")


def dutch(n: int) -> str:
    if n >= 1000:
        thousands, rest = divmod(n, 1000)
        return ("" if thousands == 1 else dutch(thousands)) + "duizend" + (f" {dutch(rest)}" if rest else "")
    if n >= 100:
        hundreds, rest = divmod(n, 100)
        return ("" if hundreds == 1 else NL_ONES[hundreds]) + "honderd" + (dutch(rest) if rest else "")
    if n < 20:
        return NL_ONES[n]
    tens, ones = divmod(n, 10)
    joint = "ën" if ones in (2, 3) else "en"
    return (NL_ONES[ones] + joint if ones else "") + NL_TENS[tens]


SAY: dict[str, Callable[[int], str]] = {"de": german, "fr": french, "es": spanish, "it": italian, "nl": dutch}

OPERATIONS: tuple[Callable[[int, int, int], int], ...] = (
    lambda a, b, c: a + b - c,
    lambda a, b, c: a + b + c,
    lambda a, b, c: 2 * a + b - c,
    lambda a, b, c: a - b + 2 * c,
    lambda a, b, c: max(a, b, c) - min(a, b, c),
)
STORIES = {
    "de": (
        "Im Lager liegen {a} Kisten. Am Montag kommen {b} dazu, am Dienstag werden {c} abgeholt. Wie viele Kisten liegen dann im Lager?",
        "Drei Dörfer haben {a}, {b} und {c} Einwohner. Wie viele Einwohner haben sie zusammen?",
        "Zwei Schulen haben je {a} Bücher, eine dritte hat {b}. Zusammen verschenken sie {c} Bücher. Wie viele bleiben?",
        "Ein Verein hat {a} Euro. Er gibt {b} Euro aus und nimmt danach zweimal {c} Euro ein. Wie viel Euro hat er am Ende?",
        "Auf drei Zetteln stehen die Zahlen {a}, {b} und {c}. Um wie viel ist die größte Zahl größer als die kleinste?",
    ),
    "fr": (
        "Il y a {a} caisses dans le dépôt. Lundi, on en apporte {b} de plus ; mardi, on en enlève {c}. Combien de caisses reste-t-il ?",
        "Trois villages comptent respectivement {a}, {b} et {c} habitants. Combien d'habitants ont-ils en tout ?",
        "Deux écoles ont chacune {a} livres, une troisième en a {b}. Ensemble, elles donnent {c} livres. Combien en reste-t-il ?",
        "Une association possède {a} euros. Elle dépense {b} euros, puis reçoit deux fois {c} euros. Combien d'euros a-t-elle à la fin ?",
        "Sur trois feuilles sont écrits les nombres {a}, {b} et {c}. De combien le plus grand dépasse-t-il le plus petit ?",
    ),
    "es": (
        "En el almacén hay {a} cajas. El lunes traen {b} más y el martes se llevan {c}. ¿Cuántas cajas quedan?",
        "Un estante contiene {a} libros, otro {b} libros y el tercero {c} libros. ¿Cuántos libros hay en total?",
        "Dos escuelas tienen cada una el número de libros {a}; una tercera tiene {b}. Juntas regalan {c}. ¿Cuántos libros quedan?",
        "La caja de un club contiene esta cantidad de euros: {a}. Se gastan {b} y después entran dos veces {c}. ¿Cuántos euros hay al final?",
        "En tres papeles están estos números: {a}; {b}; {c}. ¿En cuánto supera el mayor al menor?",
    ),
    "it": (
        "Nel deposito ci sono {a} casse. Lunedì ne arrivano altre {b}, martedì ne vengono portate via {c}. Quante casse restano?",
        "Tre paesi hanno rispettivamente {a}, {b} e {c} abitanti. Quanti abitanti hanno in tutto?",
        "Due scuole hanno ciascuna {a} libri, una terza ne ha {b}. Insieme regalano {c} libri. Quanti ne restano?",
        "Un'associazione ha {a} euro. Spende {b} euro e poi incassa due volte {c} euro. Quanti euro ha alla fine?",
        "Su tre foglietti ci sono i numeri {a}, {b} e {c}. Di quanto il più grande supera il più piccolo?",
    ),
    "nl": (
        "In het magazijn staan {a} kisten. Op maandag komen er {b} bij, op dinsdag worden er {c} opgehaald. Hoeveel kisten staan er dan?",
        "Drie dorpen hebben {a}, {b} en {c} inwoners. Hoeveel inwoners hebben ze samen?",
        "Twee scholen hebben elk {a} boeken, een derde heeft er {b}. Samen geven ze {c} boeken weg. Hoeveel boeken blijven er over?",
        "Een vereniging heeft {a} euro. Ze geeft {b} euro uit en ontvangt daarna twee keer {c} euro. Hoeveel euro heeft ze aan het eind?",
        "Op drie briefjes staan de getallen {a}, {b} en {c}. Hoeveel groter is het grootste getal dan het kleinste?",
    ),
}
HOW = {
    "de": "Rechne wenn nötig kurz; am Ende steht nur das Ergebnis in Ziffern, ohne Tausenderpunkt.",
    "fr": "Calcule brièvement si nécessaire ; termine par le résultat seul, en chiffres et sans espace.",
    "es": "Calcula brevemente si hace falta; termina solo con el resultado en cifras, sin punto de millares.",
    "it": "Calcola brevemente se serve; alla fine scrivi solo il risultato in cifre, senza punto delle migliaia.",
    "nl": "Reken kort als dat nodig is; sluit af met alleen de uitkomst in cijfers, zonder punt.",
}
MIXED = {
    "de": "Die Zahlen stehen in verschiedenen Sprachen.",
    "fr": "Les nombres sont écrits dans différentes langues.",
    "es": "Los números están escritos en distintos idiomas.",
    "it": "I numeri sono scritti in lingue diverse.",
    "nl": "De getallen staan in verschillende talen.",
}
LANGUAGES = tuple(STORIES)


def _number(random: Random, tier: Tier) -> int:
    """No form that depends on the noun behind it: nothing that ends in one."""
    while True:
        n = random.randint(23, 989) if tier == "medium" else random.randint(2_100, 98_000)
        if n % 10 != 1 and n // 1000 % 10 != 1:
            return n


def make(random: Random, tier: Tier, number: int) -> Item:
    """A cluster is a story in one language with numbers of one kind."""
    language = LANGUAGES[number % 5]
    story = number // 5 % 5
    mixed = tier == "large" and number // 25 % 2 == 1
    while True:
        values = [_number(random, tier) for _ in range(3)]
        result = OPERATIONS[story](*values)
        if result > 0 and result not in values:
            break
    tongues = random.sample(LANGUAGES, 3) if mixed else [language] * 3
    said = [SAY[tongue](value) for tongue, value in zip(tongues, values, strict=True)]
    text = STORIES[language][story].format(a=said[0], b=said[1], c=said[2])
    note = f" {MIXED[language]}" if mixed else ""
    return Item(f"{text}{note}\n\n{HOW[language]}", str(result), f"{language}-{story}-{number // 50}")


SMALL = {
    "de": "ein 1 eins 1 zwei 2 drei 3 vier 4 funf 5 sechs 6 sieben 7 acht 8 neun 9 zehn 10 elf 11 zwolf 12 sechzehn 16 siebzehn 17 "
    "zwanzig 20 dreissig 30 vierzig 40 funfzig 50 sechzig 60 siebzig 70 achtzig 80 neunzig 90 hundert 100 tausend 1000 und 0",
    "fr": "un 1 deux 2 trois 3 quatre 4 cinq 5 six 6 sept 7 huit 8 neuf 9 dix 10 onze 11 douze 12 treize 13 quatorze 14 quinze 15 "
    "seize 16 vingt 20 trente 30 quarante 40 cinquante 50 soixante 60 quatrevingt 80 cent 100 mille 1000 "
    "et 0",
    "es": "uno 1 dos 2 tres 3 cuatro 4 cinco 5 seis 6 siete 7 ocho 8 nueve 9 diez 10 once 11 doce 12 trece 13 catorce 14 quince 15 "
    "dieci 10 veinte 20 veinti 20 treinta 30 cuarenta 40 cincuenta 50 sesenta 60 setenta 70 ochenta 80 noventa 90 cien 100 "
    "ciento 100 quinientos 500 sete 7 nove 9 mil 1000 y 0",
    "it": "uno 1 due 2 tre 3 quattro 4 cinque 5 sei 6 sette 7 otto 8 nove 9 dieci 10 undici 11 dodici 12 tredici 13 quattordici 14 "
    "quindici 15 sedici 16 diciassette 17 diciotto 18 diciannove 19 venti 20 vent 20 trenta 30 trent 30 quaranta 40 quarant 40 "
    "cinquanta 50 cinquant 50 sessanta 60 sessant 60 settanta 70 settant 70 ottanta 80 ottant 80 novanta 90 novant 90 cento 100 "
    "mille 1000 mila 1000",
    "nl": "een 1 twee 2 drie 3 vier 4 vijf 5 zes 6 zeven 7 acht 8 negen 9 tien 10 elf 11 twaalf 12 dertien 13 veertien 14 "
    "twintig 20 dertig 30 veertig 40 vijftig 50 zestig 60 zeventig 70 tachtig 80 negentig 90 honderd 100 duizend 1000 en 0",
}


def parse(words: str, language: str) -> int:
    """Reads number words from left to right, the longest known piece first; raises ValueError for any other text."""
    pairs = SMALL[language].split()
    values = dict(zip(pairs[::2], map(int, pairs[1::2]), strict=True))
    singular = re.sub(r"(cent|vingt|ciento)s\b", r"\1", words.replace("ß", "ss"))
    text = "".join(c for c in unicodedata.normalize("NFD", singular) if c.isalpha())
    total = current = 0
    while text:
        piece = next((p for p in sorted(values, key=len, reverse=True) if text.startswith(p)), None)
        if piece is None:
            raise ValueError(f"{words!r} at {text!r}")
        text = text[len(piece) :]
        value = values[piece]
        if value == 1000:
            total, current = total + max(current, 1) * 1000, 0
        elif value == 100:
            current = max(current, 1) * 100
        else:
            current += value
    return total + current


def solve(prompt: str) -> str:
    """Finds the story by its words, reads the three numbers, and does what that story says."""
    text = prompt.split("\n\n")[0]
    for language in LANGUAGES:
        text = text.removesuffix(f" {MIXED[language]}")
    for language, stories in STORIES.items():
        for number, story in enumerate(stories):
            pattern = re.escape(story).replace(r"\{a\}", "(.+?)").replace(r"\{b\}", "(.+?)").replace(r"\{c\}", "(.+?)")
            if found := re.fullmatch(pattern, text):
                a, b, c = (_any(words, language) for words in found.groups())
                return str(
                    (a + b - c, a + b + c, a + a + b - c, a - b + c + c, sorted((a, b, c))[2] - sorted((a, b, c))[0])[
                        number
                    ]
                )
    raise ValueError(text)


def _any(words: str, language: str) -> int:
    """In the language of the story, else in the one of the others that can read it."""
    for tongue in (language, *LANGUAGES):
        try:
            return parse(words, tongue)
        except ValueError:
            continue
    raise ValueError(words)
