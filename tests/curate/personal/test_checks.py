"""personal_data, contact_details and secret: what they say, what they mask, and that they never show a value."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from assay.curate.check import CHECKS, Context, Decision
from assay.curate.settings import CurateSettings
from assay.curate.stage import audit, curate
from assay.errors import SettingsError
from assay.findings import Finding, Severity
from assay.records import Message, Record, ToolCall

Make = Callable[..., Record]

CARD, MAIL, KEY = "4539 5787 6362 1486", "maria.keller@mailbox.org", "ghp_aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z5B"


def found(name: str, *records: Record, **settings: Any) -> list[Finding]:
    context = Context(records)
    return [finding for record in records for finding in CHECKS.get(name).function(record, context, **settings)]


def chat(*turns: str, **rest: Any) -> dict[str, Any]:
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[n % 2], "content": text} for n, text in enumerate(turns)], **rest}


def curated(rows: list[dict[str, Any]], **checks: Any) -> Any:
    return curate(rows, CurateSettings(checks=checks, min_records=0, max_lost_share=1.0))


def test_each_check_says_what_belongs_to_it(make: Make) -> None:
    record = make(f"I am {MAIL}, card {CARD}", f"The key is {KEY}")
    said = {name: found(name, record) for name in ("personal_data", "contact_details", "secret")}
    assert {name: findings[0].evidence["entities"] for name, findings in said.items()} == {
        "personal_data": {"payment_card": 1}, "contact_details": {"email": 1}, "secret": {"github_token": 1},
    }  # fmt: skip
    assert {name: str(findings[0].severity) for name, findings in said.items()} == {
        "personal_data": "error", "contact_details": "warning", "secret": "error",
    }  # fmt: skip


def test_a_finding_has_its_place_and_a_mask(make: Make) -> None:
    (finding,) = found("contact_details", make("hi", f"ask {MAIL} now"))
    assert finding.span is not None
    assert (finding.span.message, finding.span.start, finding.span.end) == (1, 4, 4 + len(MAIL))
    assert finding.span.text == "m***********@m******.org"
    assert finding.message == "email m***@m***.org"


def test_no_finding_shows_a_value(make: Make) -> None:
    call = ToolCall("pay", {"card": CARD, "key": KEY})
    record = make(f"{MAIL} {CARD}", Message("assistant", KEY, (call,)), meta={"by": MAIL})
    for name in ("personal_data", "contact_details", "secret"):
        for finding in found(name, record):
            text = json.dumps(finding.to_json())
            assert not [value for value in (CARD, MAIL, KEY) if value in text]


def test_what_stands_outside_of_the_turns_is_said_to(make: Make) -> None:
    call = ToolCall("pay", {"card": 4539578763621486})
    (called,) = found("personal_data", make("pay", Message("assistant", None, (call,))))
    assert "in a tool call" in called.message and called.span is None and called.evidence["message"] == 1
    (column,) = found("contact_details", make("a", "b", meta={"customer": MAIL}))
    assert "other columns" in column.message


def test_the_key_of_a_value_says_what_it_is(make: Make) -> None:
    arguments = {"ssn": 219458273, "part": 219458274, "phone_number": "467 3395", "login": {"password": "Xk9!vbQ2rr"}}
    record = make("a", Message("assistant", None, (ToolCall("f", arguments),)), meta={"customer_phone": "467-3396"})
    checks = ("personal_data", "contact_details", "secret")
    said = {name: found(name, record)[0].evidence["entities"] for name in checks}
    assert said == {"personal_data": {"us_ssn": 1}, "contact_details": {"phone": 2}, "secret": {"password": 1}}
    masked = CHECKS.get("personal_data").repair(record)  # type: ignore[misc]
    assert masked.messages[1].tool_calls[0].arguments == {**arguments, "ssn": "<SSN_1>"}


def test_entities_and_countries_narrow_it_down(make: Make) -> None:
    record = make(f"{CARD}, 219-45-8273, 12345678Z")
    assert found("personal_data", record)[0].evidence["entities"] == {"payment_card": 1, "us_ssn": 1, "es_dni": 1}
    spanish = found("personal_data", record, countries=["ES"])
    assert spanish[0].evidence["entities"] == {"payment_card": 1, "es_dni": 1}
    assert found("personal_data", record, entities=["us_ssn"])[0].evidence["entities"] == {"us_ssn": 1}
    assert found("personal_data", record, entities=["iban"]) == []


@pytest.mark.parametrize(
    "text",
    [
        "write to jane@example.com", "write to info@bank.de", "Call us at 650-636-4884.", "Our hotline: +49 30 901820",
        "call 555-1234", "phone +1 800 275 2273", "It opened at 42 Oak Street, Springfield, IL 62704.",
    ],
)  # fmt: skip
def test_what_documentation_uses_or_an_organisation_gives_to_everybody_is_not_told(make: Make, text: str) -> None:
    assert found("contact_details", make("a", text)) == []
    (both,) = found("contact_details", make("a", f"{text} Or {MAIL}"))
    assert both.severity is Severity.WARNING and both.evidence["entities"] == {"email": 1}


@pytest.mark.parametrize(
    ("text", "entity"),
    [
        ("Call me at 650-636-4884.", "phone"),
        ("My number: +49 30 901820", "phone"),
        ("She lives at 42 Oak Street, Springfield, IL 62704.", "street_address"),
        ("Ship it to 42 Oak Street, Apt 3, Springfield, IL 62704.", "street_address"),
    ],
)
def test_what_is_somebodys_is_told(make: Make, text: str, entity: str) -> None:
    (finding,) = found("contact_details", make("a", text))
    assert finding.evidence["entities"] == {entity: 1}


def test_entities_that_are_named_are_told_whosever_they_are(make: Make) -> None:
    (finding,) = found("contact_details", make("a", "write to info@bank.de"), entities=["email"])
    assert finding.severity is Severity.WARNING


def test_an_address_in_a_declared_tool_shows_how_it_is_called(make: Make) -> None:
    tool = {"name": "check", "parameters": {"email": {"type": "str", "default": MAIL}}}
    assert found("contact_details", make("a", "b", tools=[tool])) == []
    assert len(found("contact_details", make("a", "b", tools=[tool], meta={"customer": MAIL}))) == 1


def test_a_date_of_birth_alone_is_a_fact_unless_it_is_asked_for(make: Make) -> None:
    alone, beside = make("Date of birth: 12/03/1985"), make(f"Date of birth: 12/03/1985, card {CARD}")
    assert [finding.severity for finding in found("personal_data", alone, beside)] == [Severity.INFO, Severity.ERROR]
    assert [f.severity for f in found("personal_data", alone, entities=["date_of_birth"])] == [Severity.ERROR]
    both = chat(f"born? Date of birth: 12/03/1985, card {CARD}", "ok")
    (record,) = curated([both], personal_data={"decision": "repair"}).data.records()
    assert record.messages[0].content == "born? Date of birth: <DATE_OF_BIRTH_1>, card <CARD_1>"


def test_a_password_that_was_asked_for_is_nobodys(make: Make) -> None:
    (made_up,) = found("secret", make("Generate a strong password for me", "Your password: aB3#fG7!kL9@"))
    (leaked,) = found("secret", make("I cannot log in", "Your password: aB3#fG7!kL9@"))
    assert (made_up.severity, leaked.severity) == (Severity.INFO, Severity.ERROR)


def test_a_record_that_the_context_does_not_hold_is_looked_at_all_the_same(make: Make) -> None:
    assert list(CHECKS.get("contact_details").function(make(MAIL), Context()))


@pytest.mark.parametrize(
    ("name", "decision"), [("secret", "hold"), ("personal_data", "hold"), ("contact_details", "keep")]
)
def test_by_default_keys_and_numbers_wait_for_a_person(name: str, decision: str) -> None:
    assert CHECKS.get(name).decision is Decision(decision)


def test_repair_masks_and_the_masked_data_has_nothing_left() -> None:
    rows = [chat(f"I am {MAIL}", f"Hello {MAIL}, is {CARD} yours?", source_mail=MAIL), chat("What is 2+2?", "It is 4.")]
    asked = {name: {"decision": "repair"} for name in ("personal_data", "contact_details", "secret")}
    out = curated(rows, **asked)
    (masked, other) = out.data.records()
    assert [message.content for message in masked.messages] == ["I am <EMAIL_1>", "Hello <EMAIL_1>, is <CARD_1> yours?"]
    assert masked.meta["source_mail"] == "<EMAIL_1>"
    assert other.messages[1].content == "It is 4."
    again = audit(out.data, CurateSettings(min_records=0))
    assert {finding.check for finding in again.findings} & {*asked, "unfilled_placeholder"} == set()


def test_a_value_in_another_column_alone_is_masked_too() -> None:
    out = curated([chat("a question", "an answer", customer=MAIL)], contact_details={"decision": "repair"})
    assert [record.meta for record in out.data.records()] == [{"customer": "<EMAIL_1>"}]
    assert out.ledger.counts()["repaired"] == 1


def test_the_repair_masks_what_the_settings_ask_for() -> None:
    text = f"{CARD} and 219-45-8273"
    out = curated([chat(text, "ok, noted.")], personal_data={"decision": "repair", "entities": ["us_ssn"]})
    assert [record.messages[0].content for record in out.data.records()] == [f"{CARD} and <SSN_1>"]


def test_drop_and_hold_are_obeyed() -> None:
    row = chat(f"write to {MAIL}", "I did so.")
    counts = {d: curated([row], contact_details={"decision": d}).ledger.counts() for d in ("keep", "drop", "hold")}
    assert (counts["keep"]["kept"], counts["drop"]["dropped"], counts["hold"]["held"]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("checks", "words"),
    [
        ({"personal_data": {"entities": ["us_sn"]}}, "did you mean 'us_ssn'"),
        ({"contact_details": {"entities": ["iban"]}}, "email"),
        ({"personal_data": {"countries": ["de"]}}, "DE"),
        ({"secret": {"entities": ["github_tokens"]}}, "did you mean 'github_token'"),
    ],
)
def test_a_name_that_is_none_is_an_error_before_anything_is_read(checks: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        audit([chat("a", "b")], CurateSettings(checks=checks))
    assert words in str(caught.value.fix)
