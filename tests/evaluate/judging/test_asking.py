"""What was answered is on disk before anything else: a process that is killed pays for nothing twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from assay.evaluate.judging.asking import ask, cost_of, journal_path
from assay.evaluate.judging.providers import judges
from assay.evaluate.judging.questions import Asked, grade_request
from assay.evaluate.judging.settings import JudgeSettings
from assay.protocols import Price

ITEMS = 15


def requests(settings: JudgeSettings) -> list[Any]:
    asked = Asked(({"role": "user", "content": "Where?"},), "Here.")
    return [grade_request(asked, f"answer {n}", settings) for n in range(ITEMS)]


def settings_of(url: str) -> JudgeSettings:
    return JudgeSettings("openai_compatible", "judge-1", base_url=url, concurrency=1)


def test_a_killed_process_has_paid_for_what_it_was_told_and_the_next_asks_the_rest(judge: Any, tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from assay.evaluate.judging.asking import ask, journal_path\n"
        "from assay.evaluate.judging.providers import judges\n"
        "from assay.evaluate.judging.questions import Asked, grade_request\n"
        "from assay.evaluate.judging.settings import JudgeSettings\n"
        "url, folder = sys.argv[1], Path(sys.argv[2])\n"
        "settings = JudgeSettings('openai_compatible', 'judge-1', base_url=url, concurrency=1)\n"
        "asked = Asked(({'role': 'user', 'content': 'Where?'},), 'Here.')\n"
        f"requests = [grade_request(asked, f'answer {{n}}', settings) for n in range({ITEMS})]\n"
        "ask(requests, settings, lambda: judges(folder).make(settings), journal_path(folder, 'support'), print)\n"
    )
    child = subprocess.Popen([sys.executable, str(tmp_path / "run.py"), judge.url, str(tmp_path)])

    def kill_on_the_seventh(shown: dict[str, Any]) -> str:
        if len(judge.asked) == 7:
            os.kill(child.pid, signal.SIGKILL)
        return json.dumps({"grade": 3})

    judge.taste = kill_on_the_seventh
    assert child.wait(timeout=120) == -signal.SIGKILL
    judge.taste = lambda shown: json.dumps({"grade": 3})
    settings = settings_of(judge.url)
    before, said = len(judge.asked), list[str]()
    where = journal_path(tmp_path, "support")
    answered = ask(requests(settings), settings, lambda: judges(tmp_path).make(settings), where, said.append)
    assert before == 7 and len(judge.asked) - before == ITEMS - 6, "six were answered, and the seventh was in flight"
    assert len(answered.replies) == ITEMS and not answered.capped
    assert answered.spent.requests == ITEMS + 1
    assert said[0].startswith("judge openai_compatible judge-1: 9 requests, free of charge; 6 requests answered before")


def test_where_all_is_answered_no_judge_is_made_and_nothing_is_said(judge: Any, tmp_path: Path) -> None:
    judge.taste = lambda shown: json.dumps({"grade": 3})
    settings, where = settings_of(judge.url), journal_path(tmp_path, "support")
    first = ask(requests(settings), settings, lambda: judges(tmp_path).make(settings), where, lambda _: None)
    said: list[str] = []

    def make() -> Any:
        raise AssertionError("a judge was made")

    assert ask(requests(settings), settings, make, where, said.append).replies == first.replies and not said


def test_an_estimate_is_never_below_what_was_charged(judge: Any, tmp_path: Path) -> None:
    settings = settings_of(judge.url)
    provider, _ = judges(tmp_path).make(settings)
    price = Price(3.0, 15.0)
    cost = cost_of(requests(settings), price)
    paid = JudgeSettings("openai_compatible", "judge-1", base_url=judge.url, api_key_env="JUDGE_KEY", max_usd=10)
    answered = ask(
        requests(settings), paid, lambda: (provider, price), journal_path(tmp_path, "a/b: c"), lambda _: None
    )
    assert cost.requests == ITEMS == answered.spent.requests
    assert answered.spent.usd <= cost.most_usd and cost.about_usd <= cost.most_usd


def test_suites_of_like_names_have_journals_of_their_own(tmp_path: Path) -> None:
    assert journal_path(tmp_path, "a/b") != journal_path(tmp_path, "a_b")
    assert journal_path(tmp_path, "../../x").parent == tmp_path
