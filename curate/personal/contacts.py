"""Where a person or a machine is reached: e-mail, telephone, street, network addresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from .pattern import Pattern
from .shapes import AFTER_NAMES, BEFORE_NAMES

_RESERVED = ("example", "test", "invalid", "localhost", "local", "internal", "lan")
_EXAMPLE_DOMAINS = re.compile(
    r"(?:^|\.)(?:example[-.][a-z.]+|(?:your|my|some)?(?:-?(?:domain|company|email|mail|site|website|org))\.(?:com|org|net))$"
)
_EXAMPLE_NAMES = re.compile(r"^(?:your|my|some|first|user|last)[._-]?(?:name|email|mail|user|username|id|lastname)?$")
_DESKS = re.compile(
    r"(?:info|support|sales|contact|help|helpdesk|hello|office|admin|service|services|press|media|no-?reply|donotreply"
    r"|webmaster|postmaster|jobs|careers|hr|billing|team|feedback|enquir(?:y|ies)|inquir(?:y|ies)|marketing|newsletter"
    r"|news|abuse|privacy|security|orders?|bookings?|reservations?|customer[._-]?(?:service|care|support))$"
)
"""Of an organisation: nobody in particular reads there."""

_FILES = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|js|css|html?|py|json|md|txt|pdf|zip)$", re.IGNORECASE)


def _is_email(value: str) -> bool:
    local, _, domain = value.rpartition("@")
    labels = domain.split(".")
    tail = labels[-1].lower()
    ends = tail.isalpha() or tail.startswith("xn--")
    return (
        len(local) <= 64
        and len(labels) > 1
        and ends
        and len(tail) > 1
        and ".." not in value
        and not local.endswith(".")
        and all(label and label[0] != "-" != label[-1] for label in labels)
        and not _FILES.search(domain)
    )


def _is_example_email(value: str) -> bool:
    """RFC 2606 and RFC 6761 set domains aside; texts say you@yourcompany.com. Or it is a desk's: info@."""
    local, _, domain = value.lower().rpartition("@")
    return bool(
        domain.rpartition(".")[2] in _RESERVED
        or _EXAMPLE_DOMAINS.search(domain)
        or _EXAMPLE_NAMES.match(local)
        or _DESKS.match(local)
    )


_RESOLVERS = frozenset({"8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "208.67.222.222", "208.67.220.220"})
"""Public name servers, which every guide names."""


def _is_public_ip(value: str) -> bool:
    """Global: not loopback, private, link-local or set aside for documentation (RFC 5737, RFC 3849)."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    return address.is_global and not address.is_multicast and value not in _RESOLVERS


def _is_no_version(value: str) -> bool:
    """At least two numbers above 20: 1.2.3.4 and 2.55.0.1 are versions more often than hosts."""
    return sum(int(part) > 20 for part in value.split(".")) > 1 and _is_public_ip(value)


def _is_mac(value: str) -> bool:
    plain = value.replace("-", ":").replace(".", "").lower().replace(":", "")
    return len(set(plain)) > 3 and plain not in ("001122334455", "0123456789ab", "aabbccddeeff")


def _is_phone_abroad(value: str) -> bool:
    """With its country code, in groups, and of a length that the country has: it may be given out one day."""
    import phonenumbers

    plain = re.sub(r"^00", "+", re.sub(r"\(0\)", "", value))
    try:
        number = phonenumbers.parse(plain, None)
    except phonenumbers.NumberParseException:
        return False
    grouped = re.search(r"\d[ ().-]+\d", value) is not None and not re.search(r"000 ?000$", value)
    return phonenumbers.is_valid_number(number) or (grouped and phonenumbers.is_possible_number(number))


def _is_phone_in(region: str) -> Callable[[str], bool]:
    def check(value: str) -> bool:
        import phonenumbers

        try:
            return phonenumbers.is_valid_number(phonenumbers.parse(value, region))
        except phonenumbers.NumberParseException:
            return False

    return check


_DATES = re.compile(
    r"(?:1[5-9]|20)\d\d ?- ?(?:1[5-9]|20)\d\d$|(?:1\d|20)\d\d([-./])[01]?\d\1[0-3]?\d\b"
    r"|[0-3]?\d([-./])[0-3]?\d\2(?:1\d|20)\d\d\b"
)


def _is_possible_phone(value: str) -> bool:
    """7 to 15 digits (ITU-T E.164) that are no dates, and not one digit over and over; a word stands near it."""
    number = re.split(r"[a-z]", value, maxsplit=1)[0]
    plain = [character for character in number if character.isdigit()]
    return 7 <= len(plain) <= 15 and len(set(plain)) > 2 and not _DATES.match(value)


def _is_signed_phone(value: str) -> bool:
    """One that stands before a word for it has no thousands at its end: "1 000 000 mobile"."""
    return _is_possible_phone(value) and not re.search(r"\b000$", value)


def _is_french_phone(value: str) -> bool:
    """Valid, and no row of a table: 01 02 03 04 05."""
    pairs = [int(pair) for pair in re.findall(r"\d\d", value)]
    return pairs != list(range(pairs[0], pairs[0] + 5)) and _is_phone_in("FR")(value)


_FICTIONAL = re.compile(r"(?<!\d)555[-. ]01\d\d$|^555[-. ]?\d{4}$|^\(?123\)?[-. ]?456[-. ]?7890$")
_TOLL_FREE = re.compile(r"(?:\+?1[ .-]?)?\(?8(?:00|33|44|55|66|77|88)\)?[ .-]\d{3}[ .-]\d{4}$|0?800[ /-]\d")


def _is_example_phone(value: str) -> bool:
    """555-0100 to 555-0199 are set aside for fiction, and films use 555-1234 and the like without an area code; who
    calls pays nothing at 800 and its like, which only organisations have.
    """
    return bool(_FICTIONAL.search(value) or _TOLL_FREE.match(value))


_PHONE_WORDS = (
    r"(?:tele)?phones?(?: ?(?:no|number|#))?|tel|ph|telefon\w*|tel[eé]fono|t[eé]l[eé]phone|telefone|telefoon|mobiles?"
    r"|mobil|cell|cellphone|landline|handy|rufnummer|fax|whatsapp|hotline|voice ?mail|pager|sms|desk"
    r"|call(?:s|ed|ing)?(?: (?:me|us|him|her|them))?|dial(?:s|l?ed|l?ing)?|(?:phon|ring|text)(?:ed|ing)"
    r"|ring (?:me|us|him|her|them)|(?:my|his|her|their) (?:new |home |work |office |private )?number"
    r"|messages? (?:to|on|at)|answer(?:ing)? (?:at|on)|reach(?:ed|able)?(?: (?:me|us|him|her|them))? (?:at|on|under)"
    r"|registered(?: (?:number|no|on|at))?|text (?:me|us)|m[oó]vil|celular|cellulare|portable|contact (?:no|number)"
    r"|电话|手机|電話|携帯|전화|телефон|моб|هاتف|جوال|फ़ोन|मोबाइल"
)
_PUBLIC = (
    r"(?:call|text|phone|ring|contact|reach|visit|fax|email|e-mail|write(?: to)?) us|hot ?line|help ?(?:line|desk)"
    r"|customer (?:service|care|support)|support (?:line|team)|toll[- ]free|front desk|reception|reservations?"
    r"|box office|our (?:office|store|shop|team|clinic|hotel|restaurant|switchboard)|kundenservice|kundendienst"
    r"|servicio al cliente|service client|客服|お客様"
)
"""Before a number that an organisation gives to everybody."""

_PRIVATE = (
    r"(?:my|his|her|their|our|your|new|old|home|billing|shipping|delivery|mailing|postal|customer|residential|permanent)"
    r"(?: \w{1,12})? address|liv(?:es?|ed|ing)|resid(?:es?|ing|ents?|ence)|moved?|ship(?:ped|ping)?|deliver(?:y|ed)?"
    r"|(?:mail|send|post) (?:it|them|this|that|me|a new one|\w{1,12}) to|customer|patient|tenant|home is"
    r"|wohn(?:t|e|haft|en)|meine adresse|lieferadresse|rechnungsadresse|vivo|vive|habite|apt|apartment|flat"
)
"""Near a street address that is somebody's. Others are those of shops, schools and sights, which anybody may know."""

_SIGNED = r"(?= ?\(?(?:office|fax|mobile|cell|phone|tel|home|work|direct)\)?[ .,;]{0,2}(?:\n|\Z))"
"""After a number in a signature: the word for it, and the end of the line."""

_EXTENSION = r"(?: ?(?:x|ext\.?) ?\d{1,6})?"
_NATIONAL = r"\(?\d[\d .()/-]{4,20}\d"

_STREET = (
    r"Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Terrace|Way|Parkway|Pkwy|Square|Sq"
    r"|Circle|Cir|Close|Crescent|Highway|Hwy"
)
_BARE_LINE = rf"(?<![\w.])\d{{1,5}}[A-Za-z]?,? (?:[A-Z0-9][\w.'’-]{{0,20}} ){{1,4}}(?:{_STREET})\b"
_LINE = rf"{_BARE_LINE}\.?"
_UNIT = r"(?:,?\s{1,3}(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|#)\.? ?[\w-]{1,6})?"


def _is_example_street(value: str) -> bool:
    """Addresses that everybody invents, and those of novels."""
    return re.match(r"(?:\d?23 (?:Main|Elm|Oak|Any)|742 Evergreen|221B Baker|4 Privet)\b", value) is not None


_NAME = r"[A-ZÀ-ÖØ-Þ][\w.'’-]{0,20}"
_BY_NAME = (
    rf"(?:{_NAME} ){{0,2}}[A-ZÀ-ÖØ-Þ][\w-]{{0,20}}(?:{'|'.join(AFTER_NAMES)}|str\.) \d{{1,4}}[a-z]?\b"
    rf"|(?:{'|'.join(BEFORE_NAMES)})(?: (?:de|da|do|dos|del|della|la|des|du))?(?: {_NAME}){{1,3}},? \d{{1,4}}\b"
)
"""The name of a street, and the number behind it: in the north, in German and in Romance languages."""

_TOWN = rf"(?:(?:[\s,]{{1,4}}{_NAME}){{1,8}}[\s,]{{1,4}}\d{{4,6}}(?!\d))?"
"""Names up to a postal code, on as many lines as they take; without one the address ends with the street."""

_ADDRESS_WORDS = (
    r"address(?:es)?(?: (?:is|at|to|with))?|adresse|dirección|endereço|liv(?:e|es|ed|ing) (?:at|in|on)"
    r"|(?:located|moved?|stay(?:ing)?|meet|office|offices|house|home|apartment|party|return(?:ed)?|deliver(?:ed|y)?|sent|send"
    r"|ship(?:ped)?|mail(?:ed)?)(?: \w{1,12}){0,3} (?:is|are|at|to|in|on)|wohn(?:t|e|haft) in(?: der)?"
)
_CITY = r"(?:,\s{0,2}|\s{1,2})[A-Z][A-Za-zÀ-ž.'’ -]{1,30}"

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IP_4 = rf"(?<![\w./-])(?<!version )(?<!release )(?<!Version )(?<!Release )(?:{_OCTET}\.){{3}}{_OCTET}(?![\w/-]|\.\d)"

CONTACTS: tuple[Pattern, ...] = (
    Pattern(
        "email",
        "contact",
        "at",
        r"(?<![\w.+%@/-])[A-Za-z0-9_][\w.+%'-]{0,63}@[A-Za-z0-9À-ž](?:[A-Za-z0-9À-ž-]{0,62}\.){1,8}[A-Za-zÀ-ž]"
        r"[A-Za-z0-9À-ž-]{1,62}(?![\w@:])",
        "EMAIL",
        check=_is_email,
        example=_is_example_email,
    ),
    Pattern(
        "phone",
        "contact",
        "number",
        rf"(?<![\w+./-])(?:\+|00)[1-9](?:[ ./-]?(?:\(\d{{1,4}}\)|\d)){{6,14}}{_EXTENSION}(?!\w|[.,-]\d)",
        "PHONE",
        check=_is_phone_abroad,
        example=_is_example_phone,
        public=_PUBLIC,
    ),
    Pattern(
        "phone",
        "contact",
        "number",
        r"(?<![\w+./-])(?:1[ .-]?)?(?:\(\d{3}\) ?\d{3}[ .-]|\d{3}([.-])\d{3}\1)\d{4}"
        rf"{_EXTENSION}(?!\w|[.,-]\d)",
        "PHONE",
        "US",
        _is_phone_in("US"),
        example=_is_example_phone,
        public=_PUBLIC,
    ),
    Pattern(
        "phone",
        "contact",
        "number",
        r"(?<![\w+./-])0[1-79](?:([ .-])\d\d)(?:\1\d\d){3}(?!\w|[ .,-]\d)",
        "PHONE",
        "FR",
        _is_french_phone,
        public=_PUBLIC,
    ),
    Pattern(
        "phone",
        "contact",
        "number",
        rf"(?<![\w./#-])(?:\+|00)?{_NATIONAL}{_EXTENSION}(?!\w|[.,]\d)",
        "PHONE",
        check=_is_possible_phone,
        words=_PHONE_WORDS,
        near=30,
        after=0,
        example=_is_example_phone,
        public=_PUBLIC,
    ),
    Pattern(
        "phone",
        "contact",
        "number",
        rf"(?<![\w./#+-]){_NATIONAL}{_EXTENSION}{_SIGNED}",
        "PHONE",
        check=_is_signed_phone,
        example=_is_example_phone,
    ),
    Pattern(
        "phone",
        "contact",
        "number",
        r"(?<![\w+.-])\(0\d{1,5}\)[ /-]?\d{2,8}(?:[ -]\d{2,4}){0,3}(?!\w|[.,-]\d)",
        "PHONE",
        check=_is_possible_phone,
        public=_PUBLIC,
    ),
    Pattern(
        "phone",
        "contact",
        "number",
        r"(?<![\w+./-])(?:(?:001|1)[ .-])?(?:\(\d{3}\) ?\d{3}-|\d{3}([.-])\d{3}\1)\d{4}"
        rf"{_EXTENSION}(?!\w|[.,-]\d)",
        "PHONE",
        "US",
        check=_is_possible_phone,
        example=lambda value: True,  # not given out, or it would be found above; people invent numbers like that
    ),
    Pattern(
        "street_address",
        "contact",
        "address",
        rf"{_LINE}{_UNIT}{_CITY},?\s{{1,2}}(?:[A-Z]{{2}}|[A-Z][a-z]{{3,12}}),?\s{{1,2}}\d{{5}}(?:-\d{{4}})?(?!\d)",
        "ADDRESS",
        "US",
        example=_is_example_street,
        private=_PRIVATE,
    ),
    Pattern(
        "street_address",
        "contact",
        "address",
        rf"{_LINE}{_UNIT}(?:{_CITY}){{1,2}},?\s{{1,2}}[A-Z]{{1,2}}\d[A-Z\d]? ?\d[A-Z]{{2}}(?!\w)",
        "ADDRESS",
        "GB",
        example=_is_example_street,
        private=_PRIVATE,
    ),
    Pattern(
        "street_address",
        "contact",
        "address",
        r"(?<!\w)[A-ZÄÖÜ][\wäöüß.-]{1,30}(?:[ -][A-ZÄÖÜ][\wäöüß.-]{1,30}){0,2}?"
        r"(?:stra(?:ße|sse)|str\.|weg|platz|allee|gasse) \d{1,4} ?[a-z]?,?\s{1,2}\d{5} [A-ZÄÖÜ][a-zäöüß-]{2,30}",
        "ADDRESS",
        "DE",
        example=_is_example_street,
        private=_PRIVATE,
    ),
    Pattern(
        "street_address",
        "contact",
        "address",
        rf"(?:(?<![\w.])\d{{1,6}} )?{_BARE_LINE}{_UNIT}{_TOWN}",
        "ADDRESS",
        words=_ADDRESS_WORDS,
        near=40,
        after=0,
        example=_is_example_street,
        private=_PRIVATE,
    ),
    Pattern(
        "street_address",
        "contact",
        "address",
        rf"(?<![\w.])(?:\d{{1,6}} )?(?:{_BY_NAME}){_UNIT}{_TOWN}",
        "ADDRESS",
        words=_ADDRESS_WORDS,
        near=40,
        after=0,
        example=_is_example_street,
        private=_PRIVATE,
    ),
    Pattern("ip_address", "contact", "network", _IP_4, "IP", check=_is_no_version),
    Pattern(
        "ip_address",
        "contact",
        "network",
        _IP_4,
        "IP",
        check=_is_public_ip,
        words=r"ips?|ip[ -]addr(?:ess)?(?:es)?|hosts?|ping|inet|ssh|server|dirección ip|ip-adresse|адрес",
        near=25,
        after=0,
    ),
    Pattern(
        "ip_address",
        "contact",
        "network",
        r"(?<![\w:.])(?=[0-9A-Fa-f:]{6,39}(?![\w:]))[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:]|\.\d)",
        "IP",
        check=_is_public_ip,
    ),
    Pattern(
        "mac_address",
        "contact",
        "network",
        r"(?<![\w:-])[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![\w:-])",
        "MAC",
        check=_is_mac,
    ),
)
"""Of values that overlap the longer is taken, of equally long ones the earlier in this table."""
