"""Every pattern finds a value that holds, and leaves alone the same value with a wrong checksum, or without a word."""

from __future__ import annotations

import base64
import json
import random
import string
import time

import pytest

from assay.curate.personal import checksums
from assay.curate.personal.scan import ENTITIES, PATTERNS, scan
from assay.curate.personal.signs import signs_of

_random = random.Random(20)


def flags(texts: list[str]) -> list[bool]:
    """Of each text whether something may stand in it."""
    return [sign != 0 for sign in signs_of(texts).tolist()]


def token(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    """Random, and so no placeholder; the same in each run."""
    return "".join(_random.choice(alphabet) for _ in range(length))


HEX = "0123456789abcdef"
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def with_check(body: str, check: object, places: str = "0123456789") -> str:
    """The body followed by the one character that makes the checksum hold."""
    holding = [body + character for character in places if check(body + character)]  # type: ignore[operator]
    assert holding, body
    return holding[0]


def jwt() -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part({'sub': token(12)})}.{token(43)}"


KEY_BODY = "\n".join(token(64) for _ in range(6))

PERSONAL = {
    "iban": ("pay to DE68 2105 0170 0012 3456 78.", "pay to DE68 2105 0170 0012 3456 79."),
    "payment_card": ("card 4539 5787 6362 1486", "card 4539 5787 6362 1487"),
    "us_ssn": ("it is 219-45-8273", "it is 666-45-8273"),
    "us_itin": ("it is 912-72-4321", "it is 912-49-4321"),
    "passport": ("my passport number is K8263915", "my part number is K8263915"),
    "driver_license": ("driver's license D4829173", "the model D4829173"),
    "ca_sin": ("my SIN is 130 692 544", "my SIN is 130 692 545"),
    "mx_curp": ("HEGG560427MVZRRL04", "HEGG560427MVZRRL05"),
    "br_cpf": ("529.982.247-25", "529.982.247-26"),
    "br_cnpj": ("11.222.333/0001-81", "11.222.333/0001-82"),
    "uk_nhs": ("NHS number 943 476 5919", "NHS number 943 476 5918"),
    "uk_nino": ("AB 12 34 56 C", "GB 12 34 56 C"),
    "uk_driving_licence": ("MORGA657054SM9IJ", "MORGA697054SM9IJ"),
    "de_steuer_id": ("Steuer-ID: 86 095 742 719", "Steuer-ID: 86 095 742 718"),
    "es_dni": ("12345678Z", "12345678A"),
    "es_nie": ("X1234567L", "X1234567M"),
    "fr_nir": ("2 55 08 14 168 025 38", "2 55 08 14 168 025 39"),
    "it_codice_fiscale": ("RSSMRA85T10A562S", "RSSMRA85T10A562T"),
    "pl_pesel": ("PESEL 44051401359", "PESEL 44051401358"),
    "nl_bsn": ("BSN 111222333", "BSN 111222334"),
    "be_rijksregister": ("85.07.30-033.28", "85.07.30-033.29"),
    "ch_ahv": ("756.9217.0769.85", "756.9217.0769.84"),
    "ie_pps": ("PPS 1234567T", "PPS 1234567U"),
    "pt_nif": ("NIF 123456789", "NIF 123456788"),
    "se_personnummer": ("811218-9876", "811218-9875"),
    "fi_hetu": ("131052-308T", "131052-308U"),
    "dk_cpr": ("CPR 070761-4285", "CPR 077761-4285"),
    "no_fodselsnummer": (
        "fnr " + next(
            f"15076543{n:03d}" for n in range(1000) if checksums.no_fodselsnummer(f"15076543{n:03d}")
        ),
        "fnr 15076543000",
    ),
    "cz_rodne_cislo": ("780123/3540", "780123/3541"),
    "tr_kimlik": ("TC Kimlik 10000000146", "TC Kimlik 10000000147"),
    "in_aadhaar": ("Aadhaar " + with_check("23456789012", checksums.verhoeff), "Aadhaar 234567890123"),
    "in_pan": ("PAN: BNZPM2501F", "code: BNZPM2501F"),
    "au_tfn": ("TFN 123 456 782", "TFN 123 456 783"),
    "au_abn": ("ABN 51 824 753 556", "ABN 51 824 753 557"),
    "au_medicare": ("Medicare 2123 45670 1", "Medicare 2123 45671 1"),
    "kr_rrn": (with_check("900101-123456", checksums.kr_rrn), "900101-1234560"),
    "jp_my_number": ("マイナンバー 123456789018", "マイナンバー 123456789019"),
    "cn_resident_id": ("身份证11010519491231002X", "身份证110105194912310021"),
    "sg_nric": ("S1234567D", "S1234567E"),
    "hk_id": ("A123456(3)", "A123456(4)"),
    "tw_id": ("A123456789", "A123456788"),
    "za_id": ("ID 8001015009087", "ID 8001015009088"),
    "crypto_wallet": (
        "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
        "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdp",
    ),
    "date_of_birth": ("Date of birth: 12/03/1985", "Date of birth: 12/03/1685"),
    "email": ("write to maria.keller@mailbox.org", "maria.keller@mailbox"),
    "phone": ("+49 30 901820", "+49 1"),
    "street_address": ("42 Oak Street, Springfield, IL 62704", "42 Oak Street of Springfield"),
    "ip_address": ("from 81.23.45.67", "from 192.168.45.67"),
    "mac_address": ("3c:22:fb:10:ab:9e", "3c:22:fb:10:ab"),
}  # fmt: skip

SECRET = {
    "aws_access_key": f"AKIA{token(16, BASE32)}",
    "gcp_api_key": f"AIza{token(35)}",
    "gcp_oauth_token": f"ya29.{token(60)}",
    "gcp_oauth_secret": f"GOCSPX-{token(28)}",
    "github_token": f"ghp_{token(36)}",
    "gitlab_token": f"glpat-{token(20)}",
    "slack_token": f"xoxb-{token(12, string.digits)}-{token(24)}",
    "slack_webhook": f"https://hooks.slack.com/services/T{token(8)}/B{token(8)}/{token(24)}",
    "stripe_key": f"sk_live_{token(24)}",
    "anthropic_key": f"sk-ant-api03-{token(90)}",
    "openai_key": f"sk-proj-{token(48)}",
    "huggingface_token": f"hf_{token(34, string.ascii_letters)}",
    "pypi_token": f"pypi-AgE{token(100)}",
    "npm_token": f"npm_{token(36)}",
    "twilio_key": f"SK{token(32, HEX)}",
    "sendgrid_key": f"SG.{token(22)}.{token(43)}",
    "mailgun_key": f"key-{token(32, HEX)}",
    "digitalocean_token": f"dop_v1_{token(64, HEX)}",
    "shopify_token": f"shpat_{token(32, HEX)}",
    "groq_key": f"gsk_{token(52)}",
    "replicate_token": f"r8_{token(37)}",
    "databricks_token": f"dapi{token(32, HEX)}",
    "telegram_bot_token": f"{token(9, '123456789')}:AA{token(33)}",
    "square_token": f"sq0atp-{token(22)}",
    "age_key": f"AGE-SECRET-KEY-1{token(58, 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L')}",
    "vault_token": f"hvs.{token(24)}",
    "azure_storage_key": f"AccountName=a;AccountKey={token(86)}==;EndpointSuffix=core.windows.net",
    "azure_client_secret": f"{token(3)}8Q~{token(34)}",
    "azure_sas": f"https://a.blob.core.windows.net/b?sv=1&sig={token(43)}%3D",
    "private_key": f"-----BEGIN RSA PRIVATE KEY-----\n{KEY_BODY}\n-----END RSA PRIVATE KEY-----",
    "jwt": jwt(),
    "url_credentials": "postgres://bob:Xy72kfl@db.host.io:5432/x",
    "aws_secret_key": f"aws_secret_access_key = {token(40)}",
    "api_key": f"SERVICE_API_KEY='{token(28)}'",
    "bearer_token": f"Authorization: Bearer {token(40)}",
    "password": "password = 'Xk9!vbQ2rr'",
}

PLACEHOLDERS = {
    "aws_access_key": "AKIAIOSFODNN7EXAMPLE",
    "gcp_api_key": "AIza" + "x" * 35,
    "gcp_oauth_token": "ya29." + "your-token-" * 4,
    "gcp_oauth_secret": "GOCSPX-" + "X" * 28,
    "github_token": "ghp_" + "x" * 36,
    "gitlab_token": "glpat-xxxxxxxxxxxxxxxxxxxx",
    "slack_token": "xoxb-your-token-goes-here",
    "slack_webhook": "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
    "stripe_key": "sk_test_your_key_goes_in_here",
    "anthropic_key": "sk-ant-your-api-key-goes-in-here",
    "openai_key": "sk-" + "x" * 48,
    "huggingface_token": "hf_" + "x" * 34,
    "pypi_token": "pypi-AgE" + "x" * 60,
    "npm_token": "npm_" + "0" * 36,
    "twilio_key": "AC" + "0" * 32,
    "sendgrid_key": "SG." + "x" * 22 + "." + "y" * 43,
    "mailgun_key": "key-" + "0" * 32,
    "digitalocean_token": "dop_v1_" + "a" * 64,
    "shopify_token": "shpat_" + "0" * 32,
    "groq_key": "gsk_" + "x" * 52,
    "replicate_token": "r8_" + "x" * 37,
    "databricks_token": "dapi" + "0" * 32,
    "telegram_bot_token": "123456789:AA" + "x" * 33,
    "square_token": "sq0atp-" + "x" * 22,
    "age_key": "AGE-SECRET-KEY-1" + "Q" * 58,
    "vault_token": "hvs.your-token-goes-in-here-now",
    "azure_storage_key": "AccountKey=" + "A" * 86 + "==",
    "azure_client_secret": "abc8Q~" + "x" * 34,
    "azure_sas": "?sv=1&sig=" + "x" * 43 + "%3D",
    "private_key": "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
    "jwt": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0"
    ".SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
    "url_credentials": "postgres://user:password@localhost:5432/x",
    "aws_secret_key": "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "api_key": "api_key = 'your-api-key-goes-here-1'",
    "bearer_token": "Authorization: Bearer $YOUR_TOKEN_GOES_HERE",
    "password": "password = os.environ['DB_PASSWORD_1']",
}


def names(text: str) -> set[str]:
    return {found.pattern.name for found in scan(text)}


def test_each_entity_has_its_examples_here() -> None:
    assert {*PERSONAL, *SECRET} == set(ENTITIES)
    assert set(SECRET) == set(PLACEHOLDERS)


@pytest.mark.parametrize("name", PERSONAL)
def test_a_value_that_holds_is_found_and_a_broken_one_is_not(name: str) -> None:
    holds, broken = PERSONAL[name]
    assert name in names(holds)
    assert name not in names(broken)


@pytest.mark.parametrize("name", SECRET)
def test_a_secret_is_found_and_its_placeholder_is_not(name: str) -> None:
    assert name in names(f"see {SECRET[name]} there")
    assert names(f"see {PLACEHOLDERS[name]} there") & set(SECRET) == set()


@pytest.mark.parametrize("text", [*(holds for holds, _ in PERSONAL.values()), *SECRET.values()])
def test_the_prefilter_lets_through_whatever_a_pattern_finds(text: str) -> None:
    assert flags([text, f"a {text} b", "Nothing stands here, not in 2024 and not at 3.5 %."]) == [True, True, False]


@pytest.mark.parametrize(
    "text",
    [
        "born on March 14, 1879",
        "1,234,567 people in 2019-2020, 3.14159265358979 and 12:30:45",
        "version 81.23.45.67, v2.55.0.1, 127.0.0.1, 10.0.0.1, 192.0.2.17, 2001:db8::1, ::1, 8.8.8.8",
        "std::begin(x) and a::b::c, 00:00:00:00:00:00",
        "ISBN 978-3-16-148410-0, order 4539578763621487, 1609459200000",
        "https://example.org/items/4539578763621486",
        "password: must have 8 characters; token = tokenizer.encode(text); api_key: string",
        "key: value, secret: none, the password is password123",
        "a = b * c @ d; @pytest.fixture; @someone on Twitter; icon@2x.png",
        "12345678 items, 123456789, 111-11-1111",
    ],
)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert scan(text) == []


@pytest.mark.parametrize("text", ["jane@example.com", "you@yourcompany.com", "a@b.example", "call 555-1234"])
def test_what_documentation_uses_is_an_example(text: str) -> None:
    assert [found.example for found in scan(text)] == [True]


@pytest.mark.parametrize(
    "digits",
    ["٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "०१२३४५६७८९", "০১২৩৪৫৬৭৮৯", "๐๑๒๓๔๕๖๗๘๙", "０１２３４５６７８９", "၀၁၂၃၄၅၆၇၈၉"],
)
def test_digits_of_any_script_count(digits: str) -> None:
    text = "4539 5787 6362 1486".translate(str.maketrans("0123456789", digits))
    assert [(found.pattern.name, found.value) for found in scan(f"x {text} y")] == [("payment_card", text)]
    assert flags([text]) == [True]


@pytest.mark.parametrize(
    "text",
    [
        "my password is Xk9!vbQ2rr.",
        "Das Passwort lautet Xk9!vbQ2rr",
        "La contraseña es Xk9!vbQ2rr",
        "contraseña: Xk9!vbQ2rr",
        "senha=Xk9!vbQ2rr",
        "mot de passe : Xk9!vbQ2rr",
        "密码：Xk9!vbQ2rr",
        "пароль: Xk9!vbQ2rr",
        '{"password": "Xk9!vbQ2rr"}',
    ],
)
def test_a_password_that_somebody_tells_is_found(text: str) -> None:
    assert [found.value for found in scan(text)] == ["Xk9!vbQ2rr"]
    assert flags([text]) == [True]
    assert scan("the password is required, was changed, and is Case-Sensitive") == []


def test_typographic_hyphens_and_spaces_count() -> None:
    assert names("4539\u00a05787\u00a06362\u00a01486") == {"payment_card"}
    assert names("219\u201145\u20118273") == {"us_ssn"}
    assert flags(["4539\u00a05787\u00a06362\u00a01486", "219\u201145\u20118273"]) == [True, True]


def test_a_name_may_stand_for_several_patterns_of_one_label() -> None:
    labels: dict[str, set[str]] = {}
    for pattern in PATTERNS:
        labels.setdefault(pattern.name, set()).add(pattern.label)
    assert all(len(own) == 1 for own in labels.values())


@pytest.mark.parametrize(
    "text",
    [
        "call me at 467 3395", "texts to my registered 668 5702", "not answering at 78 651 450", "Tel. 467 3395",
        "Mobil: 467 3395", "电话 467 3395", "моб. 467 3395", "Fax 467 3395", "reach us under 467 3395",
        "handy: 467 3395", "WhatsApp 467 3395",
        "celular 467 3395", "phone number is 467 3395", "messages to 467 3395", "Desk: 467 3395", "Phone:\n467 3395",
        "tel 2: 467 3395",
    ],
)  # fmt: skip
def test_a_short_number_is_a_telephone_number_where_a_word_says_so(text: str) -> None:
    assert names(text) == {"phone"}
    assert flags([text]) == [True]
    assert names("part 467 3395") == set()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("John Doe\n781 1704 office\nAPO", "781 1704"),
        ("28-64-66-98 office\n655 437 108 (mobile)", "655 437 108"),
        ("+46 (0)8 928 571 22", "+46 (0)8 928 571 22"),
        ("write or (0117) 496 0123 before noon", "(0117) 496 0123"),
        ("my new number is 467 3395", "467 3395"),
        ("they called 467 3395", "467 3395"),
    ],
)
def test_a_telephone_number_is_known_by_its_form_or_by_the_word_behind_it(text: str, value: str) -> None:
    assert value in [found.value for found in scan(text) if found.pattern.name == "phone"]


def test_a_number_of_a_form_that_nobody_was_given_is_a_fact() -> None:
    assert [(found.value, found.example) for found in scan("or 930.167.3943 x")] == [("930.167.3943", True)]


@pytest.mark.parametrize(
    "text",
    [
        "1 000 000 mobile",
        "We sold 1 200 000\nphones",
        "+500 000 000 people",
        "it grew by +20 000 000",
        "(2019) 2020 2021",
    ],
)
def test_a_count_is_no_telephone_number(text: str) -> None:
    assert names(text) == set()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("She lives at 42 Oak Street.", "42 Oak Street"),
        ("my new address is 74 Crown Road, Suite 680", "74 Crown Road, Suite 680"),
        ("send it to 14 Elm Street\n Suite 3\n Riga\n Latvia 3690", "14 Elm Street\n Suite 3\n Riga\n Latvia 3690"),
        ("Er wohnt in der Lindenstraße 12", "Lindenstraße 12"),
        ("Ela vive: endereço Rua do Arenque 16", "Rua do Arenque 16"),
        ("He lives at Søndergade 52", "Søndergade 52"),
    ],
)  # fmt: skip
def test_a_street_without_postal_code_is_an_address_after_a_word_that_says_so(text: str, value: str) -> None:
    assert [found.value for found in scan(text) if found.pattern.name == "street_address"] == [value]
    assert flags([text]) == [True]


@pytest.mark.parametrize(
    "text", ["42 Oak Street was shot in 1998", "The 3 Rivers Way is long", "Via Egnatia 12", "St. Louis and Dr. Drive"]
)
def test_a_street_without_postal_code_and_without_a_word_is_none(text: str) -> None:
    assert names(text) == set()


@pytest.mark.parametrize("piece", ["1 A St ", "lives at 1 Oak ", "A B C\n", "Rua A ", "(0 1", "12 office ", "+1 (0)2 "])
def test_a_hostile_text_takes_linear_time(piece: str) -> None:
    short, long = (_seconds(piece * (size // len(piece))) for size in (20_000, 160_000))
    assert long < 40 * short + 1.0


def _seconds(text: str) -> float:
    began = time.process_time()
    scan(text)
    return time.process_time() - began
