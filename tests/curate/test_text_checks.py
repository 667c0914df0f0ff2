"""Checks of what an answer says: placeholders, cut-off endings, loops."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.curate.check import CHECKS, Context
from assay.findings import Finding, Severity
from assay.records import Record

Make = Callable[..., Record]


def findings(name: str, *records: Record) -> list[Finding]:
    check, context = CHECKS.get(name), Context(records)
    if check.scope == "dataset":
        return list(check.function(records, context))
    return [finding for record in records for finding in check.function(record, context)]


@pytest.mark.parametrize(
    "answer",
    [
        "I am {{name}}, made by {{ author }}.",
        "Dear [Customer Name], thank you.",
        "Dear [NAME], thank you.",
        "It ends on <insert date>.",
        "Write to <YOUR EMAIL> for help.",
        "Your plan is ${plan_name}.",
        "Hello %CUSTOMER%, welcome.",
        "Ask for __AGENT_NAME__ at the desk.",
        "Call us at [insert phone number here].",
        "Your order {order_id} is on its way.",
        '{"reply": "Dear {{first_name}}"}',
        "Lorem ipsum dolor sit amet.",
        "Ask [NAME_1] for it.",
        "Send it to [XXXX] today.",
    ],
)
def test_unfilled_placeholders_are_found(make: Make, answer: str) -> None:
    found = findings("unfilled_placeholder", make("Who are you?", answer))
    assert len(found) == 1
    assert found[0].severity is Severity.ERROR
    assert found[0].span is not None
    assert answer[found[0].span.start : found[0].span.end] == found[0].span.text


@pytest.mark.parametrize(
    "answer",
    [
        "Use `{{ name }}` where the value goes.",
        "```python\nprint(f'{user_name}')\n```",
        "def f(x):\n    return x[name]\n\nclass A:\n    def __init__(self):\n        pass",
        "See [the docs](https://x.org) and [this][ref] and [1].\n\n[ref]: https://x.org",
        "The set is $\\{a_{1}, b\\}$ and \\frac{{a}}{{b}}.",
        "- [x] done\n- [ ] open",
        "He said it [sic] twice [laughs].",
        '{"name": "Ada", "tags": ["name", "date"]}',
        "[1, 2, 3] and [a, b]",
        "<b>name</b> <div>date</div> <name>Ada</name>",
        "The regex [a-z]+ matches.",
        "[INFO] started [OK]",
        "A set-up [step 3 of 7] stays grey.",
        "10% off and 20% more",
        "__bold__ and __init__ are fine",
        "The body mass index [BMI] and the forced volume [FEV] were taken twice.",
    ],
)
def test_code_markup_and_brackets_in_prose_are_no_placeholders(make: Make, answer: str) -> None:
    assert findings("unfilled_placeholder", make("Tell me more.", answer)) == []


def test_placeholders_that_the_prompt_asks_for_may_stay(make: Make) -> None:
    assert findings("unfilled_placeholder", make("Write an e-mail template.", "Dear {{name}}, ...")) == []
    assert findings("unfilled_placeholder", make("Put [CITY] in it.", "I live in [CITY].")) == []


def test_a_drafted_letter_may_leave_the_name_open(make: Make) -> None:
    found = findings("unfilled_placeholder", make("Write a letter to my landlord.", "Dear Sir, ...\n[Your Name]"))
    assert [finding.severity for finding in found] == [Severity.INFO]


@pytest.mark.parametrize(
    "answer",
    [
        "Please put the Bridge into its box, add the cable, and then bring it to",
        "The reason why it is higher in spring is that the",
        '{"intent": "refund", "act',
        '{"intent": "refund", "order":',
        '[{"a": 1}, {"a": 2',
        "Here is the code:\n```python\nfor x in y:\n    print(",
        "<!DOCTYPE html>\n<html><body><p>Hello",
        "1. First do this thing.\n2. Then do that other thing.\n3. Rest a while.\n4. Finally the model has to be re",
        "Das Paket kommt morgen an, und dann bringen wir es zu der",
        "1. Rinse the rice.\n2. Boil the water in a large pot.\n3.",
        "1. Ask a friend to read it to you aloud.\n2. Sleep a night over each of the changes.\n"
        "3. Read it once more, from the end to the start.\n4. Keep the",
        'Two of them stand out from the rest: "Green Door", "Old Mill", "',
        "1. Sow them in March, when the nights are no longer cold.\n2. Water them each evening for a week, and then m",
        "I am sorry that the parcel has not come yet. It was sent on Monday from the depot. You can follow it w",
        "Check the valve first. It is the part that wears out sooner than any other that I know of",
        "You can paint it in an hour or two when it is dry.\n\nLay a sheet on the floor before you open the tin.\n\n"
        "Put on two coats, and let the first one dry for a night.\n\nRemember, patience is more",
    ],
)
def test_answers_that_stop_before_their_end_are_found(make: Make, answer: str) -> None:
    assert len(findings("cut_off_answer", make("Go on.", answer))) == 1


@pytest.mark.parametrize(
    "answer",
    [
        "Yes",
        "billing_question",
        "Jane Austen",
        "1. Apple\n2. Pear\n3. Plum",
        "Apples, pears and plums",
        '{"intent": "refund"}',
        '{"a": 1}\n\nThat is all I found in it.',
        "```python\nprint(1)\n```",
        "The answer is 42",
        "Best regards,\nJohn Smith\nSoftware Developer",
        "Read more at https://example.org/a-long-path/that-has-no-end",
        "We love it here! #travel #sunset",
        '"To be or not to be, that is the question that he asked himself" - William Shakespeare',
        "| a | b |\n|---|---|\n| the first of many | the last of them |",
        "x = 3\ny = x + 2\nprint(x + y)",
        "我们的退货期限是三十天。",
        "What are you looking for",
        "{curly} braces open this sentence.",
        "There is no club in this town that all my neighbours are members of",
        "Nothing at all happens to the roses when you die",
        "That is the tool which nearly every plumber I know works with",
        "Leave it in the warm kitchen for a while",
        "Thank you for your kind letter of the second. I will come to see you on Friday. Yours truly, Ann",
        "ok will do! see you then",
        "The one that fits is a",
        "Colour: light grey, Capacity: two litres, Material of the outer shell: brushed stainless steel, Lid: yes",
        "flour, butter, two eggs, a pinch of salt, brown sugar, the zest of one lemon, baking powder",
        "Service | Category | Status | Billing | Price of a month | Renewal | Notes",
        "The Old Man and the Sea by Ernest Hemingway",
        "Dear Ann,\n\nThank you for your long letter, which came on Monday.\n\nYours truly,\nJohn",
    ],
)
def test_short_answers_lists_code_and_signatures_are_complete(make: Make, answer: str) -> None:
    assert findings("cut_off_answer", make("Go on.", answer)) == []


def test_where_all_others_end_their_sentences_a_short_list_is_still_complete(make: Make) -> None:
    whole = [make(f"q{n}", f"This is the whole answer to the question with number {n}.") for n in range(30)]
    listed = make("q", "The Lighthouse, A Winter in Bergen, 1984, Of Sand and Salt, The Last Train, Low Tide")
    assert findings("cut_off_answer", *whole, listed) == []


def test_a_missing_full_stop_counts_where_all_others_have_one(make: Make) -> None:
    whole = [make(f"q{n}", f"This is the whole answer to the question with number {n}.") for n in range(30)]
    cut = make("q", "This is the first half of the answer to the question with number")
    found = findings("cut_off_answer", *whole, cut)
    assert [(finding.row_id, finding.severity) for finding in found] == [(cut.row_id, "warning")]
    assert found[0].message == "no full stop at its end, where nearly all other answers have one"
    casual = [make(f"q{n}", f"this is the whole answer to the question with number {n} ok") for n in range(30)]
    assert findings("cut_off_answer", *casual, cut) == []


@pytest.mark.parametrize(
    "answer",
    [
        "I am sorry. " * 8,
        "I will look at the bill and then " * 6,
        "send_setup_guide_" * 9,
        '{"a": 1}' + "}" * 40,
        "The output is: " + "foo bar baz qux\n" * 12,
        "A first sentence. " + "The cat sat down again. " * 6 + "An end.",
        "".join(f"Point {n}. The model is a large language model trained by people.\n" for n in range(8)),
        "我不知道。" * 20,
        "A long and sound beginning comes first, about many things that matter to no one. "
        + "Then it goes on, " * 3
        + " ".join(f"and says word number {n} of a text that has its own pace" for n in range(9))
        + " to" * 30,
    ],
)
def test_loops_are_found(make: Make, answer: str) -> None:
    assert len(findings("repetition", make("Tell me about it.", answer))) == 1


@pytest.mark.parametrize(
    "answer",
    [
        f"Here you are:\n```\nkey = {'0' * 700}\n",
        f"Here you are:\n```python\nkey = '{'f' * 700}'\n```\nThat is the key.",
        f"The number is 1{'0' * 400}.",
        "Here you are:\n```python\nimport os\n" + "print(os.environ['HOME'], end='')\n" * 40 + "print(os.env",
    ],
)
def test_a_run_of_one_sign_and_code_that_repeats_itself_until_it_breaks_off_are_loops(make: Make, answer: str) -> None:
    found = findings("repetition", make("Write the program.", answer))
    assert len(found) == 1 and found[0].span is not None
    assert answer[found[0].span.start : found[0].span.end].startswith(found[0].span.text)


@pytest.mark.parametrize(
    "answer",
    [
        "Here you are:\n```python\nimport os\n" + "print(os.environ['HOME'], end='')\n" * 40 + "```\nRun it.",
        "Here you are:\n```python\n"
        + "row = [0, 0, 0, 0]\n" * 20
        + "for cell in row:\n    print(cell, row, len(row))\n",
        f"The number is 1{'0' * 100}, a googol.",
        f"Title\n{'=' * 300}\nIt begins here, and there is more to come.",
    ],
)
def test_repetitive_code_and_lines_of_signs_are_no_loops(make: Make, answer: str) -> None:
    assert findings("repetition", make("Write the program.", answer)) == []


@pytest.mark.parametrize(
    "answer",
    [
        "No no no no, that is not it.",
        "| a | b |\n|---|---|\n" + "".join(f"| {n} | {n * n} |\n" for n in range(12)),
        "-" * 80,
        "\n".join(f"{a} x {b} = {a * b}" for a in range(1, 6) for b in range(1, 6)),
        "```\n" + "x = 1\n" * 20 + "```",
        "Roses are red, violets are blue, sugar is sweet, and so are you.",
        "The first step is to open the box. The second step is to read the manual. The third step is to plug it in.",
        "Each reading is held against the limit. "
        + " ".join(
            f"The sensor of room {n} on this floor shows {17 + n % 6} degrees at {n} o'clock. It is below the limit."
            for n in range(24)
        ),
    ],
)
def test_tables_code_and_emphasis_are_no_loops(make: Make, answer: str) -> None:
    assert findings("repetition", make("Tell me about it.", answer)) == []


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200), st.text(max_size=200))
def test_no_text_makes_a_check_fail(prompt: str, answer: str) -> None:
    from assay.records import Message, Source, record_id, row_id

    messages = (Message("user", prompt), Message("assistant", answer))
    record = Record(record_id(messages), row_id("t", 0), messages, Source("a", 1, 0))
    for name, check in CHECKS.all().items():
        if not (check.needs or check.reads or check.asks):
            for finding in findings(name, record):
                assert finding.row_id == record.row_id


@pytest.mark.parametrize(
    "answer",
    [
        "我会看账单然后" * 8,
        "我们会尽快处理。你好。我们会尽快处理。再见了。我们会尽快处理。谢谢。我们会尽快处理。",
        "請求書を確認します" * 6,
    ],
)
def test_loops_in_scripts_without_spaces_are_found(make: Make, answer: str) -> None:
    assert len(findings("repetition", make("说说看。", answer))) == 1


def test_prose_without_spaces_is_no_loop(make: Make) -> None:
    answer = "今天天气很好，我们去公园散步，看到了很多花，还有小狗在草地上奔跑。回家以后，我做了晚饭。"
    assert findings("repetition", make("说说看。", answer)) == []


def test_repairs_show_before_and_after(make: Make) -> None:
    token = findings("special_token_in_text", make("q", "Done. <|im_end|>\n</s>"))[0]
    assert (token.evidence["before"], token.evidence["after"]) == ("Done. <|im_end|>\n</s>", "Done.")
    space = findings("surrounding_white_space", make("q", " Paris.\n\n"))[0]
    assert (space.evidence["before"], space.evidence["after"]) == (" Paris.\n\n", "Paris.")


@pytest.mark.parametrize(
    "answer",
    [
        "Sehr geehrte Damen und Herren, mein Name ist [Ihr Name].",
        "Estimado [Nombre del cliente], gracias.",
        "Bonjour [Votre nom], merci.",
        "亲爱的[您的姓名]，您好。",
        "您的订单将于【日期】送达。",
        "【お客様の名前】様、ありがとうございます。",
        "عزيزي [اسم العميل]، شكرا لك.",
    ],
)
def test_placeholders_of_other_languages_are_found(make: Make, answer: str) -> None:
    assert [finding.severity for finding in findings("unfilled_placeholder", make("?", answer))] == [Severity.ERROR]


@pytest.mark.parametrize(
    "answer",
    ["【注意】请勿触摸。", "Siehe [Anhang A] und [1].", "[Música] [Risas]", "他说[笑]没关系。", "【重要】明日は休み。"],
)
def test_brackets_of_other_languages_are_no_placeholders(make: Make, answer: str) -> None:
    assert findings("unfilled_placeholder", make("?", answer)) == []
