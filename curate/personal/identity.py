"""Numbers that stand for a person or an account, by country. The table is the documentation.

A number whose form and checksum are rare by chance is found wherever it stands; others need a word near them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from . import checksums
from .pattern import LEFT, RIGHT, Pattern

_TAX = r"tax(?:payer)?[ -]?(?:id|no|number|file)\w*"

_IBAN_LENGTHS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18 FO18"
    " FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20"
    " LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SD18"
    " SE24 SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20"
)
"""SWIFT IBAN registry: country and length."""


def _iban() -> str:
    by_length: dict[int, list[str]] = {}
    for item in _IBAN_LENGTHS.split():
        by_length.setdefault(int(item[2:]), []).append(item[:2])
    return "|".join(
        rf"(?:{'|'.join(countries)})\d\d(?:[ -]?[A-Z0-9]){{{length - 4}}}" for length, countries in by_length.items()
    )


def _number(
    name: str,
    digits: int,
    country: str,
    label: str,
    regex: str,
    check: Callable[[str], bool] | None = None,
    words: str = "",
    **rest: Any,
) -> Pattern:
    bounded = f"{LEFT}(?:{regex}){RIGHT}"
    return Pattern(name, "identity", "number", bounded, label, country, check, words, digits=digits, **rest)


def _lettered(
    name: str,
    country: str,
    label: str,
    regex: str,
    check: Callable[[str], bool] | None = None,
    words: str = "",
    **rest: Any,
) -> Pattern:
    return Pattern(name, "identity", "lettered", f"{LEFT}(?:{regex}){RIGHT}", label, country, check, words, **rest)


def _is_recent(value: str) -> bool:
    """The year is not of a life that has ended: 1920 and later, or written with two digits."""
    year = re.search(r"\d{4}", value)
    return year is None or 1920 <= int(year.group()) <= 2100


_PASSPORT = r"passports?|passport (?:no|number)|reisepass\w*|pasaporte|passeport|passaporto|паспорт\w*|护照|旅券|여권"
_DRIVER = r"driver'?s?[ -]?licen[cs]e|driving licen[cs]e|licen[cs]e (?:no|number)|dl ?(?:no|number|#)"
_CARD_WORDS = (
    r"cc|cards?|credit|debit|visa|maestro|mastercard|amex|diners|kreditkarte|tarjeta|carte|carta|卡|カード|카드"
)

IDENTITY: tuple[Pattern, ...] = (
    # accounts
    Pattern(
        "iban",
        "identity",
        "lettered",
        f"{LEFT}(?:{_iban()}){RIGHT}",
        "IBAN",
        check=checksums.mod_97,
        flags=re.IGNORECASE,
    ),
    _number(
        "payment_card",
        12,
        "",
        "CARD",
        r"\d{14,16}|\d{4}(?:[ -]\d{4}){3}(?:[ -]\d{3})?|\d{4}[ -]\d{6}[ -]\d{4,5}",
        checksums.payment_card,
    ),
    _number("payment_card", 12, "", "CARD", r"\d{12,19}", checksums.luhn, _CARD_WORDS, near=25),
    # United States
    _number("us_ssn", 9, "US", "SSN", r"(?!123-45-6789)\d{3}-\d\d-\d{4}", checksums.us_ssn),
    _number("us_ssn", 9, "US", "SSN", r"\d{3}([ -]?)\d\d\1\d{4}", checksums.us_ssn, r"ssn|social security|soc sec"),
    _number("us_itin", 9, "US", "ITIN", r"9\d\d-\d\d-\d{4}", checksums.us_itin),
    _number("us_itin", 9, "US", "ITIN", r"9\d{8}", checksums.us_itin, rf"itin|{_TAX}"),
    _lettered(
        "passport",
        "",
        "PASSPORT",
        r"[A-Z]{1,2}\d{6,8}|\d{9}|[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ\d]{8}",
        lambda value: sum(map(str.isdigit, value)) > 3,
        _PASSPORT,
        near=40,
    ),
    _lettered(
        "driver_license",
        "US",
        "DRIVER_LICENSE",
        r"[A-Z]\d{6,14}|[A-Z]{2}\d{6,7}|\d{7,10}|[A-Z]?\d{3,4}-\d{2,4}-\d{4}",
        None,
        _DRIVER,
        near=40,
    ),
    # Canada, Mexico, Brazil
    _number("ca_sin", 9, "CA", "SIN", r"\d{3}([ -]?)\d{3}\1\d{3}", checksums.luhn, r"sin|social insurance|nas"),
    _lettered("mx_curp", "MX", "CURP", r"[A-Z][AEIOUX][A-Z]{2}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d", checksums.mx_curp),
    _number("br_cpf", 11, "BR", "CPF", r"\d{3}\.\d{3}\.\d{3}-\d\d", checksums.br_cpf),
    _number("br_cpf", 11, "BR", "CPF", r"\d{9}-?\d\d", checksums.br_cpf, r"cpf|cadastro de pessoas? f[íi]sicas?"),
    _number("br_cnpj", 14, "BR", "CNPJ", r"\d\d\.\d{3}\.\d{3}/\d{4}-\d\d", checksums.br_cnpj),
    _number("br_cnpj", 14, "BR", "CNPJ", r"\d{14}", checksums.br_cnpj, "cnpj"),
    # Europe
    _number("uk_nhs", 10, "GB", "NHS", r"\d{3}([ -]?)\d{3}\1\d{4}", checksums.uk_nhs, r"nhs|national health"),
    _lettered(
        "uk_nino", "GB", "NINO", r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]", checksums.uk_nino
    ),
    _lettered(
        "uk_driving_licence",
        "GB",
        "DRIVER_LICENSE",
        r"[A-Z]{2,5}9{0,3}\d[0156]\d(?:0[1-9]|[12]\d|3[01])\d[A-Z9]{2}\d[A-Z]{2}",
        lambda value: len(value) == 16,
    ),
    _number(
        "de_steuer_id",
        11,
        "DE",
        "TAX_ID",
        r"\d\d([ /]?)\d{3}\1\d{3}\1\d{3}",
        checksums.de_steuer_id,
        rf"steuer\S*|idnr|identifikationsnummer|tin|{_TAX}",
    ),
    _lettered("es_dni", "ES", "DNI", r"\d{8}[ -]?[A-HJ-NP-TV-Z]", checksums.es_dni),
    _lettered("es_nie", "ES", "NIE", r"[XYZ][ -]?\d{7}[ -]?[A-HJ-NP-TV-Z]", checksums.es_nie),
    _lettered(
        "fr_nir",
        "FR",
        "NIR",
        r"[1-478] ?\d\d ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d",
        checksums.fr_nir,
    ),
    _lettered(
        "it_codice_fiscale",
        "IT",
        "CODICE_FISCALE",
        r"[A-Z]{6}\d\d[A-EHLMPRST][0-7]\d[A-Z]\d{3}[A-Z]",
        checksums.it_codice_fiscale,
        flags=re.IGNORECASE,
    ),
    _number("pl_pesel", 11, "PL", "PESEL", r"\d{11}", checksums.pl_pesel, "pesel"),
    _number(
        "nl_bsn",
        9,
        "NL",
        "BSN",
        r"\d{4}[ .]?\d\d[ .]?\d{3}|\d{3}[ .]\d{3}[ .]\d{3}",
        checksums.nl_bsn,
        r"bsn|burgerservice\s?nummer|sofi\s?nummer",
    ),
    _number(
        "be_rijksregister", 11, "BE", "NATIONAL_ID", r"\d\d\.[0-4]\d\.[0-3]\d-\d{3}\.\d\d", checksums.be_rijksregister
    ),
    _number("ch_ahv", 13, "CH", "AHV", r"756\.\d{4}\.\d{4}\.\d\d", checksums.ch_ahv),
    _lettered("ie_pps", "IE", "PPS", r"\d{7}[A-W][A-I]?", checksums.ie_pps, r"pps\w?|personal public service"),
    _number("pt_nif", 9, "PT", "NIF", r"[1-35]\d\d ?\d{3} ?\d{3}", checksums.pt_nif, r"nif|contribuinte"),
    _number(
        "se_personnummer", 10, "SE", "PERSONNUMMER", r"(?:19|20)?\d\d[01]\d[0-3]\d[-+]\d{4}", checksums.se_personnummer
    ),
    _number(
        "se_personnummer",
        10,
        "SE",
        "PERSONNUMMER",
        r"(?:19|20)?\d\d[01]\d[0-9]\d-?\d{4}",
        checksums.se_personnummer,
        r"person\s?nummer|personnr|samordningsnummer|personal identity n\w+",
    ),
    _lettered("fi_hetu", "FI", "HETU", r"[0-3]\d[01]\d{3}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]", checksums.fi_hetu),
    _number("dk_cpr", 10, "DK", "CPR", r"[0-3]\d[01]\d{3}-?\d{4}", checksums.dk_cpr, r"cpr(?:-?nr|-?nummer)?"),
    _number(
        "no_fodselsnummer",
        11,
        "NO",
        "FODSELSNUMMER",
        r"[0-7]\d[01]\d{3} ?\d{5}",
        checksums.no_fodselsnummer,
        r"f[øo]dselsnummer|personnummer|d-nummer|fnr",
    ),
    _number("cz_rodne_cislo", 10, "CZ", "RODNE_CISLO", r"\d{6}/\d{4}", checksums.cz_rodne_cislo),
    _number(
        "tr_kimlik", 11, "TR", "KIMLIK", r"[1-9]\d{10}", checksums.tr_kimlik, r"kimlik|tckn|t\.?c\.? ?(?:no|kimlik)"
    ),
    # Asia, Africa, Oceania
    _number(
        "in_aadhaar",
        12,
        "IN",
        "AADHAAR",
        r"\d{4}([ -]?)\d{4}\1\d{4}",
        checksums.in_aadhaar,
        r"aa?dh?aa?r|uidai|uid|आधार",
    ),
    _lettered(
        "in_pan", "IN", "PAN", r"[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]", None, r"pan|permanent account|income tax|पैन"
    ),
    _number("au_tfn", 9, "AU", "TFN", r"\d{3} ?\d{3} ?\d{3}", checksums.au_tfn, rf"tfn|{_TAX}"),
    _number("au_abn", 11, "AU", "ABN", r"\d\d ?\d{3} ?\d{3} ?\d{3}", checksums.au_abn, r"abn|australian business"),
    _number("au_medicare", 10, "AU", "MEDICARE", r"\d{4} ?\d{5} ?\d(?:[ /-]?\d)?", checksums.au_medicare, "medicare"),
    _number("kr_rrn", 13, "KR", "RRN", r"\d\d[01]\d[0-3]\d-[1-8]\d{6}", checksums.kr_rrn),
    _number(
        "kr_rrn",
        13,
        "KR",
        "RRN",
        r"\d\d[01]\d[0-3]\d-?[1-8]\d{6}",
        None,
        r"rrn|resident registration|주민\s?등록\s?번호|주민번호",
    ),
    _number(
        "jp_my_number",
        12,
        "JP",
        "MY_NUMBER",
        r"\d{4}([ -]?)\d{4}\1\d{4}",
        checksums.jp_my_number,
        r"my ?number|マイナンバー|個人番号",
    ),
    _lettered(
        "cn_resident_id",
        "CN",
        "RESIDENT_ID",
        r"[1-9]\d{5}(?:18|19|20)\d\d[01]\d[0-3]\d{4}[\dXx]",
        checksums.cn_resident_id,
    ),
    _lettered("sg_nric", "SG", "NRIC", r"[STFGM]\d{7}[A-Z]", checksums.sg_nric),
    _lettered("hk_id", "HK", "HKID", r"[A-Z]\d{6}\([\dA]\)", checksums.hk_id),
    _lettered("tw_id", "TW", "TAIWAN_ID", r"[A-Z][1289]\d{8}", checksums.tw_id),
    _number(
        "za_id",
        13,
        "ZA",
        "ZA_ID",
        r"\d\d[01]\d[0-3]\d ?\d{4} ?[01]\d\d",
        checksums.za_id,
        r"id|identity|identiteits\w*",
    ),
    # wallets
    Pattern(
        "crypto_wallet",
        "identity",
        "wallet",
        r"(?<![A-Za-z0-9])[123DLMT9A][1-9A-HJ-NP-Za-km-z]{25,34}(?![A-Za-z0-9])",
        "WALLET",
        check=checksums.base58check,
    ),
    Pattern(
        "crypto_wallet",
        "identity",
        "wallet",
        r"(?<![A-Za-z0-9])(?:bc|ltc|tb)1[ac-hj-np-z02-9]{11,71}(?![A-Za-z0-9])",
        "WALLET",
        check=checksums.bech32,
        flags=re.IGNORECASE,
    ),
    Pattern(
        "crypto_wallet",
        "identity",
        "wallet",
        r"(?<![A-Za-z0-9])0x[0-9a-fA-F]{40}(?![A-Za-z0-9])",
        "WALLET",
        words=r"wallets?|ethereum|eth|metamask|钱包",
    ),
    # dates of birth, where one is named as such
    Pattern(
        "date_of_birth",
        "identity",
        "labelled",
        r"(?<![A-Za-z])(?:date of birth|birth ?date|d\.?o\.?b\.?|geburtsdatum|geb\. am|fecha de nacimiento"
        r"|date de naissance|data di nascita|data de nascimento|geboortedatum|født den|出生日期|生年月日|생년월일"
        r"|дата рождения|تاريخ الميلاد)\s{0,3}[:：=]?\s{0,3}(?:is\s|ist\s|was\s)?"
        r"(?P<value>\d{1,4}[-./年]\s?\d{1,2}[-./月]\s?\d{1,4}日?|\d{1,2}\.? [A-Za-zÀ-ž]{3,10}\.?,? \d{4}"
        r"|[A-Z][a-z]{2,8}\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4})",
        "DATE_OF_BIRTH",
        check=_is_recent,
        example=lambda value: True,  # an age is asked for more often than a person is meant
        flags=re.IGNORECASE,
    ),
)
"""Of values that overlap the longer is taken, of equally long ones the earlier in this table."""
