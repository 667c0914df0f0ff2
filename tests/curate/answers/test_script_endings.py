"""Chinese, Japanese and Arabic prose that stops in a sentence is told from labels, lists and finished sentences."""

from __future__ import annotations

import time

import pytest

from assay.curate.answers.script_endings import script_of, stops_in_sentence


@pytest.mark.parametrize(
    "text",
    [
        "请把设备放进盒子里，然后送到服务点，因为",
        "我们的退货期限是三十天，从收货那天算起。请保留发票，退款会在",
        "機器を箱に入れてから、近くの窓口を",
        "返品は三十日以内に受け付けています。送料はお客様の負担で、返金は五日以内",
        "ضع الجهاز في العلبة ثم خذه إلى",
        "يمكنك إرجاع المنتج خلال ثلاثين يوما. احتفظ بالفاتورة وسيصلك المبلغ خلال خمسة",
    ],
)
def test_prose_that_stops_in_a_sentence_is_found(text: str) -> None:
    script = script_of(text)
    assert script is not None and stops_in_sentence(text, script, False) is not None


@pytest.mark.parametrize(
    "text",
    [
        "我们的退货期限是三十天。",
        "您好！我是助手，您可以通过给我的回答打分来让我不断进化",
        "北京",
        "退货申请",
        "1. 苹果\n2. 香蕉\n3. 用软布擦净以后再上油",
        "返品は三十日以内に受け付けています。",
        "東京都千代田区",
        "お問い合わせはこちら（平日のみ）",
        "القاهرة",
        "يمكنك إرجاع المنتج خلال ثلاثين يوما.",
        "更多信息请看 https://example.org/a",
    ],
)
def test_finished_prose_labels_and_lists_are_left_alone(text: str) -> None:
    script = script_of(text)
    assert script is None or stops_in_sentence(text, script, False) is None


def test_a_missing_full_stop_counts_where_others_have_one() -> None:
    text = "包裹今天下午会送到您的新地址"
    assert stops_in_sentence(text, "zh", False) is None
    assert stops_in_sentence(text, "zh", True) is not None


@pytest.mark.parametrize("text", ["和" * 1_000_000, "。" * 1_000_000, "، و" * 300_000, "の、" * 500_000, "\ud800"])
def test_a_million_characters_take_no_longer_than_reading_them(text: str) -> None:
    started = time.process_time()
    script = script_of(text)
    if script is not None:
        stops_in_sentence(text[-20_000:], script, True)
    assert time.process_time() - started < 1
