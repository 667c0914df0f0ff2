"""Check digits of identity, account and payment numbers: pure functions of a value to whether it holds.

Each takes the value as it was written; separators are passed over. Sources are named where they are not ISO 7064
(mod 97-10, mod 11,10), Luhn (US patent 2,950,048) or Verhoeff (Error Detecting Decimal Codes, 1969).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import date

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def digits_of(value: str) -> list[int]:
    """Its decimal digits, in order."""
    return [ord(character) - 48 for character in value if "0" <= character <= "9"]


def letters_and_digits(value: str) -> str:
    """The value without separators, in capitals."""
    return "".join(character for character in value if character.isalnum()).upper()


def weighted(digits: Sequence[int], weights: Sequence[int]) -> int:
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=False))


def is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def is_day(month: int, day: int) -> bool:
    """A day of some year: where the century is not written, 29 February may always hold."""
    return is_date(2000, month, day)


def luhn(value: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits_of(value))):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def mod_97(value: str) -> bool:
    """ISO 13616: the first four characters go to the end, letters count from A = 10; the rest by 97 is 1."""
    plain = letters_and_digits(value)
    return int("".join(str(int(character, 36)) for character in plain[4:] + plain[:4])) % 97 == 1


def mod_11_10(value: str) -> bool:
    product = 10
    *body, last = digits_of(value)
    for digit in body:
        product = (((digit + product) % 10 or 10) * 2) % 11
    return (11 - product) % 10 == last


_DIHEDRAL = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
    [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
    [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
    [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
    [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
    [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
    [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
    [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
]
_PERMUTED = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
for _ in range(6):
    _PERMUTED.append([_PERMUTED[-1][place] for place in _PERMUTED[1]])


def verhoeff(value: str) -> bool:
    check = 0
    for place, digit in enumerate(reversed(digits_of(value))):
        check = _DIHEDRAL[check][_PERMUTED[place % 8][digit]]
    return check == 0


_ISSUERS: tuple[tuple[int, int, tuple[int, ...]], ...] = (
    (4, 4, (16, 19)),
    (51, 55, (16,)),
    (2221, 2720, (16,)),
    (34, 34, (15,)),
    (37, 37, (15,)),
    (6011, 6011, (16, 19)),
    (644, 659, (16, 19)),
    (62, 62, (16, 17, 18, 19)),
    (300, 305, (14,)),
    (36, 36, (14,)),
    (38, 39, (14,)),
    (3528, 3589, (16, 17, 18, 19)),
    (2131, 2131, (15,)),
    (1800, 1800, (15,)),
    (5018, 5018, (16,)),
    (5020, 5020, (16,)),
    (5038, 5038, (16,)),
    (6304, 6304, (16,)),
    (6759, 6763, (16,)),
    (2200, 2204, (16,)),
)
"""First and last prefix, lengths: ISO/IEC 7812 ranges of the card networks in use (13-digit Visa is not)."""


def payment_card(value: str) -> bool:
    """Prefix and length of a card network, Luhn, and not one digit over and over."""
    plain = "".join(map(str, digits_of(value)))
    known = any(
        len(plain) in lengths and first <= int(plain[: len(str(first))]) <= last for first, last, lengths in _ISSUERS
    )
    return known and len(set(plain)) > 1 and luhn(plain)


def us_ssn(value: str) -> bool:
    """Social Security Administration: no area 000, 666 or 9xx, no group 00, no serial 0000; not a specimen."""
    plain = "".join(map(str, digits_of(value)))
    specimen = plain in ("078051120", "219099999", "111111111", "222222222", "333333333")
    area = plain[:3]
    return not (specimen or area in ("000", "666") or area[0] == "9" or plain[3:5] == "00" or plain[5:] == "0000")


def us_itin(value: str) -> bool:
    """Internal Revenue Service: 9xx, and a group of 50-65, 70-88, 90-92 or 94-99."""
    plain = digits_of(value)
    group = plain[3] * 10 + plain[4]
    return plain[0] == 9 and (50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or 94 <= group <= 99)


def uk_nhs(value: str) -> bool:
    plain = digits_of(value)
    return (11 - weighted(plain, range(10, 1, -1)) % 11) % 11 == plain[9] and len(set(plain)) > 1


def uk_nino(value: str) -> bool:
    return letters_and_digits(value)[:2] not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")


def de_steuer_id(value: str) -> bool:
    """Of the first ten digits one occurs twice or three times, the others at most once; mod 11,10."""
    plain = digits_of(value)
    repeated = [count for count in Counter(plain[:10]).values() if count > 1]
    return plain[0] != 0 and repeated in ([2], [3]) and mod_11_10(value)


_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"


def es_dni(value: str) -> bool:
    plain = letters_and_digits(value)
    return _DNI[int(plain[:8]) % 23] == plain[8]


def es_nie(value: str) -> bool:
    plain = letters_and_digits(value)
    return es_dni(str("XYZ".index(plain[0])) + plain[1:])


def fr_nir(value: str) -> bool:
    """97 less the number by 97; in Corsica 2A counts as 19 and 2B as 18."""
    plain = letters_and_digits(value).replace("2A", "19").replace("2B", "18")
    return plain.isdigit() and 97 - int(plain[:13]) % 97 == int(plain[13:])


_ODD = dict(zip("0123456789", (1, 0, 5, 7, 9, 13, 15, 17, 19, 21), strict=True)) | dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)


def it_codice_fiscale(value: str) -> bool:
    """Decree of 23 December 1976: odd places by table, even places by value, the sum by 26 is the letter."""
    plain = letters_and_digits(value)
    even = sum(int(c) if c.isdigit() else ord(c) - 65 for c in plain[1:15:2])
    return chr(65 + (even + sum(_ODD[c] for c in plain[0:15:2])) % 26) == plain[15]


def pl_pesel(value: str) -> bool:
    plain = digits_of(value)
    month = (plain[2] * 10 + plain[3]) % 20
    good = is_day(month, plain[4] * 10 + plain[5])
    return good and weighted(plain, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def nl_bsn(value: str) -> bool:
    plain = digits_of(value)
    return any(plain) and weighted(plain, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def _mod_11_digit(digits: Sequence[int], weights: Sequence[int]) -> int:
    rest = weighted(digits, weights) % 11
    return 0 if rest < 2 else 11 - rest


def br_cpf(value: str) -> bool:
    plain = digits_of(value)
    first = _mod_11_digit(plain[:9], range(10, 1, -1))
    second = _mod_11_digit(plain[:10], range(11, 1, -1))
    return len(set(plain)) > 1 and plain[9:] == [first, second]


def br_cnpj(value: str) -> bool:
    plain = digits_of(value)
    weights = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    return (
        len(set(plain)) > 1
        and _mod_11_digit(plain[:12], weights[1:]) == plain[12]
        and _mod_11_digit(plain[:13], weights) == plain[13]
    )


def in_aadhaar(value: str) -> bool:
    plain = digits_of(value)
    return plain[0] > 1 and len(set(plain)) > 2 and verhoeff(value)


def au_tfn(value: str) -> bool:
    return weighted(digits_of(value), (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def au_abn(value: str) -> bool:
    plain = digits_of(value)
    return plain[0] > 0 and weighted([plain[0] - 1, *plain[1:]], (10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)) % 89 == 0


def au_medicare(value: str) -> bool:
    plain = digits_of(value)
    return 2 <= plain[0] <= 6 and weighted(plain[:8], (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == plain[8]


def se_personnummer(value: str) -> bool:
    plain = digits_of(value)[-10:]
    day = plain[4] * 10 + plain[5]
    good = is_day(plain[2] * 10 + plain[3], day - 60 if day > 60 else day)
    return good and luhn("".join(map(str, plain)))


def fi_hetu(value: str) -> bool:
    plain = digits_of(value[:6] + value[7:10])
    good = is_day(plain[2] * 10 + plain[3], plain[0] * 10 + plain[1])
    number = int("".join(map(str, plain)))
    return good and "0123456789ABCDEFHJKLMNPRSTUVWXY"[number % 31] == value[10].upper()


def dk_cpr(value: str) -> bool:
    """A date; the check digit is no longer kept since 2007."""
    plain = digits_of(value)
    return is_day(plain[2] * 10 + plain[3], plain[0] * 10 + plain[1])


def no_fodselsnummer(value: str) -> bool:
    plain = digits_of(value)
    day = plain[0] * 10 + plain[1]
    good = is_day(plain[2] * 10 + plain[3], day - 40 if day > 40 else day)
    first = (11 - weighted(plain, (3, 7, 6, 1, 8, 9, 4, 5, 2)) % 11) % 11
    second = (11 - weighted(plain, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11) % 11
    return good and plain[9:] == [first, second]


def kr_rrn(value: str) -> bool:
    """Holds for numbers given out before October 2020; later ones have no check digit."""
    plain = digits_of(value)
    good = is_day(plain[2] * 10 + plain[3], plain[4] * 10 + plain[5])
    rest = weighted(plain[:12], (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11
    return good and (11 - rest) % 10 == plain[12]


def jp_my_number(value: str) -> bool:
    plain = digits_of(value)
    weights = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
    rest = weighted(plain[:11], weights) % 11
    return len(set(plain)) > 1 and (0 if rest <= 1 else 11 - rest) == plain[11]


def cn_resident_id(value: str) -> bool:
    """GB 11643-1999: a date, and ISO 7064 mod 11-2."""
    plain = digits_of(value[:17])
    good = is_date(int(value[6:10]), int(value[10:12]), int(value[12:14])) and 1850 < int(value[6:10]) < 2100
    total = weighted(plain, (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2))
    return good and "10X98765432"[total % 11] == value[17].upper()


def sg_nric(value: str) -> bool:
    plain = letters_and_digits(value)
    total = weighted(digits_of(plain), (2, 7, 6, 5, 4, 3, 2)) + {"T": 4, "G": 4, "M": 3}.get(plain[0], 0)
    table = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "G": "XWUTRQPNMLK", "M": "XWUTRQPNJLK"}
    letters = table[plain[0]]
    return (letters[10 - total % 11] if plain[0] == "M" else letters[total % 11]) == plain[8]


def tw_id(value: str) -> bool:
    plain = letters_and_digits(value)
    number = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(plain[0]) + 10
    return (number // 10 + weighted([number % 10, *digits_of(plain)], (9, 8, 7, 6, 5, 4, 3, 2, 1, 1))) % 10 == 0


def hk_id(value: str) -> bool:
    plain = letters_and_digits(value)
    total = 36 * 9 + (ord(plain[0]) - 55) * 8 + weighted(digits_of(plain[1:7]), (7, 6, 5, 4, 3, 2))
    return (total + (10 if plain[7] == "A" else int(plain[7]))) % 11 == 0


def ch_ahv(value: str) -> bool:
    plain = digits_of(value)
    return weighted(plain, (1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1)) % 10 == 0


def be_rijksregister(value: str) -> bool:
    plain = "".join(map(str, digits_of(value)))
    body, check = plain[:9], int(plain[9:])
    return check == 97 - int(body) % 97 or (body < "40" and check == 97 - int("2" + body) % 97)


def cz_rodne_cislo(value: str) -> bool:
    plain = digits_of(value)
    month = plain[2] * 10 + plain[3]
    month -= next((added for added in (70, 50, 20) if month > added), 0)
    good = is_day(month, plain[4] * 10 + plain[5])
    return good and int("".join(map(str, plain[:9]))) % 11 % 10 == plain[9]


def tr_kimlik(value: str) -> bool:
    plain = digits_of(value)
    tenth = (sum(plain[0:9:2]) * 7 - sum(plain[1:8:2])) % 10
    return plain[0] != 0 and plain[9] == tenth and sum(plain[:10]) % 10 == plain[10]


def za_id(value: str) -> bool:
    plain = digits_of(value)
    return is_day(plain[2] * 10 + plain[3], plain[4] * 10 + plain[5]) and luhn(value)


def mx_curp(value: str) -> bool:
    alphabet = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"
    plain = value.upper()
    total = sum(alphabet.index(character) * (18 - place) for place, character in enumerate(plain[:17]))
    return (10 - total % 10) % 10 == int(plain[17])


def pt_nif(value: str) -> bool:
    plain = digits_of(value)
    return _mod_11_digit(plain[:8], range(9, 1, -1)) == plain[8]


def ie_pps(value: str) -> bool:
    plain = letters_and_digits(value)
    total = weighted(digits_of(plain[:7]), range(8, 1, -1)) + (9 * (ord(plain[8]) - 64) if len(plain) > 8 else 0)
    return "WABCDEFGHIJKLMNOPQRSTUV"[total % 23] == plain[7]


def base58check(value: str) -> bool:
    """The last four bytes are the first of a double sha256 of the rest (Bitcoin, Litecoin, Dogecoin, Tron)."""
    number = 0
    for character in value:
        number = number * 58 + _BASE58.index(character)
    try:
        raw = number.to_bytes(25, "big")
    except OverflowError:
        return False
    return hashlib.sha256(hashlib.sha256(raw[:21]).digest()).digest()[:4] == raw[21:]


def bech32(value: str) -> bool:
    """BIP 173 and, for later witness versions, BIP 350."""
    prefix, _, data = value.lower().rpartition("1")
    if not prefix or len(data) < 6 or any(character not in _BECH32 for character in data):
        return False
    check = 1
    spread = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    for item in spread + [_BECH32.index(c) for c in data]:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ item
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    return check in (1, 0x2BC830A3)
