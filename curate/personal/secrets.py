"""Keys, tokens and passwords by the form that their issuers give them.

A value is none where it is a placeholder: EXAMPLE, xxxx, your-api-key, a run of the keyboard, or of low entropy.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections import Counter
from collections.abc import Callable

from .pattern import Pattern

_PLACEHOLDER = re.compile(
    r"example|sample|dummy|placeholder|redacted|insert|replace|change[-_ ]?me|your|my[-_]|fake|x{4,}"
    r"|\*{3,}|\.{3}|<|\{\{|\$\{|todo|secret[-_]?(?:key|here)|(?:api|access)[-_]?key|token[-_]?here|abcdef|0?12345678|qwerty|([A-Za-z0-9])\1{5}"
    r"|p[a@4][s$5]{2}w[o0]r[dt]|letmein|hunter2|foobar|s3cr3t|secret|admin|root|test|correct[-_ ]?horse",
    re.IGNORECASE,
)
"""Words that a random value of 20 characters and more hardly ever holds, and an invented one mostly does."""

_CODE = re.compile(
    r"[\w.]+\(|(?:os|env|process|self|this|config|settings|request|args|options)\b[.\[]|None$|null$|true$|false$"
)


def entropy(value: str) -> float:
    """Shannon's, in bits a character."""
    return -sum(n / len(value) * math.log2(n / len(value)) for n in Counter(value).values()) if value else 0.0


def _is_sequence(value: str) -> bool:
    """Its letters, or its digits, are a run of the alphabet or of numbers: aBcD1234, A1b2C3d4."""
    letters = "".join(filter(str.isalpha, value)).lower()
    digits = "".join(filter(str.isdigit, value))
    return (len(letters) > 3 and letters in "abcdefghijklmnopqrstuvwxyz") or (
        len(digits) > 4 and digits in "01234567890"
    )


def is_random(value: str) -> bool:
    """No placeholder, and as mixed as a key: 3 bits a character or more."""
    return not _PLACEHOLDER.search(value) and not _is_sequence(value) and entropy(value) >= 3.0


def _is_random_body(prefix: int) -> Callable[[str], bool]:
    return lambda value: is_random(value[prefix:])


def _is_key_value(value: str) -> bool:
    """16 characters and more with letters and digits, 3.5 bits a character: no identifier, no sentence, no path."""
    return (
        len(value) >= 16
        and any(map(str.isdigit, value))
        and any(map(str.isalpha, value))
        and not _PLACEHOLDER.search(value)
        and not _is_sequence(value)
        and not _CODE.match(value)
        and "://" not in value
        and entropy(value) >= 3.5
    )


def _is_password(value: str) -> bool:
    """8 characters and more of at least three kinds (small, capital, digit, sign)."""
    kinds = (str.islower, str.isupper, str.isdigit, lambda c: not c.isalnum())
    return (
        len(value) >= 8
        and sum(any(map(kind, value)) for kind in kinds) >= 3
        and any(map(str.isdigit, value))
        and not _PLACEHOLDER.search(value)
        and not _is_sequence(value)
        and not _CODE.match(value)
        and "://" not in value
        and entropy(value) >= 2.5
    )


_KNOWN_PASSWORDS = frozenset(
    [
        "password",
        "pass",
        "passwd",
        "pwd",
        "secret",
        "guest",
        "user",
        "username",
        "postgres",
        "mysql",
        "root",
        "admin",
        "toor",
        "test",
        "changeme",
        "default",
        "example",
        "minioadmin",
        "sa",
        "redis",
        "mongo",
        "rabbitmq",
        "1234",
        "12345",
        "123456",
        "mypassword",
        "yourpassword",
        "db_password",
        "pw",
        "p4ss",
    ]
)


def _is_connection(value: str) -> bool:
    """The password between user and host is one: not the user's name again, no placeholder, no variable."""
    user, _, password = value.partition("://")[2].rpartition("@")[0].partition(":")
    plain = password.lower()
    return bool(
        len(password) >= 4
        and plain not in _KNOWN_PASSWORDS
        and plain != user.lower()
        and not re.search(
            r"[<>{}$\[\]%]{1}(?![0-9A-Fa-f]{2})|\*{2}|x{3}|\.{3}|your|example|pass|anon|secret|changeme", plain
        )
    )


def _is_jwt(value: str) -> bool:
    """Its first part is a JSON object that names an algorithm (RFC 7519); not the specimen of jwt.io."""
    head = value.split(".", 1)[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, binascii.Error):
        return False
    return isinstance(header, dict) and "alg" in header and "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c" not in value


def _is_private_key(value: str) -> bool:
    body = re.sub(r"-----[A-Z ]+-----|\\n|\s", "", value)
    return len(body) >= 40 and not re.search(r"\.{3}|x{6}|<|your|example", body, re.IGNORECASE) and entropy(body) >= 3.5


_EDGE, _END = r"(?<![A-Za-z0-9_-])", r"(?![A-Za-z0-9_-])"


def _token(name: str, label: str, regex: str, *literals: str, prefix: int | None = None) -> Pattern:
    """prefix: characters that are the same in all keys of this kind [the length of the first literal]."""
    check = _is_random_body(len(literals[0]) if prefix is None else prefix)
    return Pattern(name, "secret", "token", f"{_EDGE}(?:{regex}){_END}", label, check=check, literals=literals)


_SAYS = r"\s{1,3}(?:is|was|ist|lautet|es|est|è|é)\s{1,3}"
_ASSIGN = r"[\"'`]?\s{0,4}(?:=>|:=|[:=：])\s{0,4}"
_VALUE = (
    r"(?:[\"'`](?P<value>[^\s\"'`]{8,300})[\"'`]|(?P<bare>[^\s\"'`,;<>(){}\[\]|]{7,300}[^\s\"'`,;<>(){}\[\]|.:?。]))"
)
KEY_NAMES = (
    r"api[_-]?keys?|apikey|access[_-]?key(?:[_-]?id)?|auth[_-]?(?:token|key)|access[_-]?token|refresh[_-]?token"
    r"|bearer[_-]?token|client[_-]?secret|app[_-]?secret|secret[_-]?(?:access[_-]?)?key|secret|private[_-]?key|account[_-]?key"
    r"|encryption[_-]?key|signing[_-]?key|webhook[_-]?secret|token|credentials?"
)
PASSWORD_NAMES = (
    r"passwords?|passwd|pwd|passphrase|passcode|passwort|contraseña|mot de passe|senha|密码|パスワード|비밀번호|пароль"
)

SECRETS: tuple[Pattern, ...] = (
    _token("aws_access_key", "AWS_KEY", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}", "AKIA", "ASIA", "ABIA", "ACCA"),
    _token("gcp_api_key", "GCP_KEY", r"AIza[A-Za-z0-9_-]{35}", "AIza"),
    _token("gcp_oauth_token", "GCP_TOKEN", r"ya29\.[A-Za-z0-9_-]{30,500}", "ya29."),
    _token("gcp_oauth_secret", "GCP_SECRET", r"GOCSPX-[A-Za-z0-9_-]{28}", "GOCSPX-"),
    _token(
        "github_token",
        "GITHUB_TOKEN",
        r"gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{40,255}",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
    ),
    _token(
        "gitlab_token",
        "GITLAB_TOKEN",
        r"gl(?:pat|ptt|dt|rt|cbt|oas|soat|ft)-[A-Za-z0-9_.=-]{20,300}",
        "glpat-",
        "glptt-",
        "gldt-",
        "glrt-",
        "glcbt-",
        "gloas-",
        "glsoat-",
        "glft-",
    ),
    _token(
        "slack_token",
        "SLACK_TOKEN",
        r"xox[abeoprs]-[A-Za-z0-9-]{10,250}|xapp-\d-[A-Z0-9]{6,20}-\d+-[a-f0-9]{20,100}",
        "xoxa-",
        "xoxb-",
        "xoxe-",
        "xoxo-",
        "xoxp-",
        "xoxr-",
        "xoxs-",
        "xapp-",
    ),
    _token(
        "slack_webhook",
        "SLACK_WEBHOOK",
        r"https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{24,120}",
        "hooks.slack.com",
        prefix=32,
    ),
    _token(
        "stripe_key",
        "STRIPE_KEY",
        r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,250}|whsec_[A-Za-z0-9]{24,100}",
        "sk_live_",
        "sk_test_",
        "rk_live_",
        "rk_test_",
        "whsec_",
    ),
    _token("anthropic_key", "ANTHROPIC_KEY", r"sk-ant-[A-Za-z0-9_-]{20,250}", "sk-ant-"),
    _token(
        "openai_key",
        "OPENAI_KEY",
        r"sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,250}|sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}|sk-[A-Za-z0-9]{32,64}",
        "sk-",
        prefix=8,
    ),
    _token("huggingface_token", "HF_TOKEN", r"(?:hf_[A-Za-z]{34}|api_org_[A-Za-z]{34})", "hf_", "api_org_"),
    _token("pypi_token", "PYPI_TOKEN", r"pypi-AgE[A-Za-z0-9_-]{50,500}", "pypi-AgE"),
    _token("npm_token", "NPM_TOKEN", r"npm_[A-Za-z0-9]{36}", "npm_"),
    _token("twilio_key", "TWILIO_KEY", r"(?:SK|AC)[0-9a-f]{32}", "SK", "AC"),
    _token("sendgrid_key", "SENDGRID_KEY", r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}", "SG."),
    _token("mailgun_key", "MAILGUN_KEY", r"key-[0-9a-f]{32}", "key-"),
    _token("digitalocean_token", "DIGITALOCEAN_TOKEN", r"do[opr]_v1_[a-f0-9]{64}", "dop_v1_", "doo_v1_", "dor_v1_"),
    _token(
        "shopify_token", "SHOPIFY_TOKEN", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}", "shpat_", "shpca_", "shppa_", "shpss_"
    ),
    _token("groq_key", "GROQ_KEY", r"gsk_[A-Za-z0-9]{40,60}", "gsk_"),
    _token("replicate_token", "REPLICATE_TOKEN", r"r8_[A-Za-z0-9]{37}", "r8_"),
    _token("databricks_token", "DATABRICKS_TOKEN", r"dapi[a-f0-9]{32}(?:-\d)?", "dapi"),
    _token("telegram_bot_token", "TELEGRAM_TOKEN", r"\d{8,10}:AA[A-Za-z0-9_-]{33}", ":AA", prefix=0),
    _token("square_token", "SQUARE_TOKEN", r"sq0(?:atp|csp|idp)-[A-Za-z0-9_-]{22,43}", "sq0atp-", "sq0csp-", "sq0idp-"),
    _token("age_key", "AGE_KEY", r"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}", "AGE-SECRET-KEY-1"),
    _token("vault_token", "VAULT_TOKEN", r"hv[sbr]\.[A-Za-z0-9_-]{24,250}", "hvs.", "hvb.", "hvr."),
    Pattern(
        "azure_storage_key",
        "secret",
        "token",
        r"AccountKey=(?P<value>[A-Za-z0-9+/]{86}==)",
        "AZURE_KEY",
        check=is_random,
        literals=("AccountKey=",),
    ),
    Pattern(
        "azure_client_secret",
        "secret",
        "token",
        r"(?<![\w~.-])[A-Za-z0-9_.~-]{3}[78]Q~[A-Za-z0-9_.~-]{31,34}(?![\w~.-])",
        "AZURE_SECRET",
        check=is_random,
        literals=("8Q~", "7Q~"),
    ),
    Pattern(
        "azure_sas",
        "secret",
        "token",
        r"[?&]sig=(?P<value>[A-Za-z0-9%+/]{40,80}(?:%3D|=))",
        "AZURE_SAS",
        check=is_random,
        literals=("sig=",),
    ),
    Pattern(
        "private_key",
        "secret",
        "token",
        r"-----BEGIN (?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----[^-]{20,20000}"
        r"(?:-----END (?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----)?",
        "PRIVATE_KEY",
        check=_is_private_key,
        literals=("PRIVATE KEY",),
    ),
    Pattern(
        "jwt",
        "secret",
        "token",
        r"(?<![\w.-])eyJ[A-Za-z0-9_-]{10,1000}\.eyJ[A-Za-z0-9_-]{5,8000}\.[A-Za-z0-9_-]{20,1000}",
        "JWT",
        check=_is_jwt,
        literals=("eyJ",),
    ),
    Pattern(
        "url_credentials",
        "secret",
        "token",
        r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s:/@\"'<>]{0,100}:[^\s/@\"'<>]{3,100}@[A-Za-z0-9][\w.-]{0,200}",
        "URL_WITH_PASSWORD",
        check=_is_connection,
        literals=("://",),
    ),
    Pattern(
        "aws_secret_key",
        "secret",
        "token",
        rf"(?i:aws.{{0,20}}secret.{{0,20}}?|secret.?access.?key){_ASSIGN}[\"'`]?(?P<value>[A-Za-z0-9/+]{{40}})(?![A-Za-z0-9/+=])",
        "AWS_SECRET",
        check=is_random,
        literals=("secret",),
    ),
    Pattern(
        "api_key",
        "secret",
        "token",
        rf"(?i:(?<![A-Za-z])(?:[A-Za-z0-9]{{1,20}}[_-]){{0,3}}(?:{KEY_NAMES})){_ASSIGN}{_VALUE}",
        "API_KEY",
        check=_is_key_value,
        literals=("key", "token", "secret", "credential"),
        follows=rf"[\w-]{{0,12}}{_ASSIGN}",
    ),
    Pattern(
        "bearer_token",
        "secret",
        "token",
        r"(?i:authorization)[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?i:bearer|basic|token) "
        r"(?P<value>[A-Za-z0-9._~+/=-]{16,500})",
        "BEARER_TOKEN",
        check=_is_key_value,
        literals=("authorization",),
    ),
    Pattern(
        "password",
        "secret",
        "token",
        rf"(?i:(?<![A-Za-z])(?:[A-Za-z0-9]{{1,20}}[_-]){{0,3}}(?:{PASSWORD_NAMES}))"
        rf"(?:{_ASSIGN}|{_SAYS}){_VALUE}",
        "PASSWORD",
        check=_is_password,
        literals=(
            "passw",
            "pwd",
            "passphrase",
            "passcode",
            "contrase",
            "mot de passe",
            "senha",
            "密码",
            "パスワード",
            "비밀번호",
            "пароль",
        ),
        follows=rf"\w{{0,8}}(?:{_ASSIGN}|{_SAYS})",
    ),
)
"""Of values that overlap the longer is taken, of equally long ones the earlier in this table."""
