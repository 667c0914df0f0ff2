"""Languages a second on one core, beside langdetect and py3langid, on the same texts in one run.

    python benchmarks/language_speed.py [FILE]

Without a file the texts are made of sentences in six languages. Libraries that are not installed are left out.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence

from assay.curate.answers.language import language_of, script_of
from assay.sources import read

SENTENCES = {
    "en": ("The parcel was sent on Monday", "it should be with you soon", "please call us if it is late"),
    "de": ("Das Paket wurde am Montag verschickt", "es sollte bald da sein", "rufen Sie uns bitte an"),
    "es": ("El paquete salió el lunes", "pronto estará con usted", "llámenos si llega tarde"),
    "fr": ("Le colis est parti lundi", "il sera bientôt chez vous", "appelez-nous s'il est en retard"),
    "ru": ("Посылка отправлена в понедельник", "скоро она будет у вас", "позвоните нам, пожалуйста"),
    "zh": ("包裹已于星期一寄出", "很快就会送到", "如果迟到请给我们打电话"),
}
TEXTS = 20_000
PEER_TEXTS = 500


def texts() -> list[str]:
    if len(sys.argv) > 1:
        return [record.answer for record in read([sys.argv[1]]).records()]
    rng = random.Random(1)
    made = []
    for _ in range(TEXTS):
        sentences = SENTENCES[rng.choice(sorted(SENTENCES))]
        made.append(". ".join(rng.choice(sentences) for _ in range(rng.randint(4, 20))))
    return made


def rate(function: Callable[[str], object], given: Sequence[str]) -> float:
    """Texts a second of processor time."""
    function(given[0])
    started = time.process_time()
    for text in given:
        function(text)
    return len(given) / (time.process_time() - started)


def main() -> None:
    given = texts()
    letters = sum(map(len, given)) / len(given)
    print(f"{len(given):,} texts of {letters:.0f} characters\n")
    own = rate(language_of, given)
    print(f"{'language_of':<14}{own:>12,.0f} texts a second")
    print(f"{'script_of':<14}{rate(script_of, given):>12,.0f}")
    for name, peer in peers():
        speed = rate(peer, given[:PEER_TEXTS])
        print(f"{name:<14}{speed:>12,.0f}   language_of is {own / speed:,.0f} times as fast")


def peers() -> list[tuple[str, Callable[[str], object]]]:
    found: list[tuple[str, Callable[[str], object]]] = []
    try:
        from langdetect import detect

        found.append(("langdetect", lambda text: detect(f"{text} and so on")))  # it raises on text without letters
    except ImportError:
        pass
    try:
        from py3langid.langid import classify

        found.append(("py3langid", classify))
    except ImportError:
        pass
    return found


if __name__ == "__main__":
    main()
