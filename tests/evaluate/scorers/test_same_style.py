from __future__ import annotations

import pytest

from assay.errors import SuiteError
from assay.evaluate.scorer import make_scorer

FORMAL = "Bitte klicken Sie auf den Knopf, dann senden wir Ihnen eine Nachricht."


def score(output: str, reference: str, **settings: object) -> float:
    return make_scorer("same_style", settings, "suite.yaml")(output, reference)


def test_another_text_in_the_same_style_scores_1() -> None:
    assert score("Bitte legen Sie das Etikett bei, dann holen wir bei Ihnen alles ab.", FORMAL) == 1.0


@pytest.mark.parametrize(
    ("output", "feature"),
    [
        ("Bitte klick auf den Knopf, dann senden wir dir eine Nachricht.", "address"),
        ('{"button": "click"}', "form"),
        ("Please click the button that is in the menu of the page.", "language"),
        (f"{FORMAL} 😀", "emoji"),
    ],
)
def test_a_feature_that_differs_counts_by_itself(output: str, feature: str) -> None:
    assert score(output, FORMAL, features=[feature]) == 0.0
    assert 0.0 <= score(output, FORMAL) < 1.0


def test_what_the_reference_says_nothing_of_does_not_count() -> None:
    assert score("- a\n- b", "Yes.", features=["bullets", "emoji"]) == 1.0
    with pytest.raises(SuiteError, match="says nothing of its style"):
        score("- a\n- b", "Yes.", features=["bullets"])


def test_an_unknown_feature_is_named_with_the_nearest_known() -> None:
    with pytest.raises(SuiteError, match="did you mean 'address'"):
        score("a", "b", features=["adress"])
