"""Nobody but the holder of the link reads or writes, and a link is good once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from assay.runs import RunStore
from assay.web.app import Brought, application
from assay.web.site import Site

HOST = "127.0.0.1:8765"


@pytest.fixture
def brought(tmp_path: Path) -> Brought:
    (tmp_path / ".assay" / "runs").mkdir(parents=True)
    return application(Site(RunStore(tmp_path / ".assay"), tmp_path / "reviews.jsonl", tmp_path, who="ana"))


@pytest.fixture
def stranger(brought: Brought) -> Iterator[TestClient]:
    with TestClient(brought.app, base_url=f"http://{HOST}", follow_redirects=False) as client:
        yield client


@pytest.fixture
def holder(brought: Brought, stranger: TestClient) -> TestClient:
    stranger.get("/", params={"token": brought.keys.token()})
    return stranger


def test_without_the_link_nothing_is_shown(stranger: TestClient) -> None:
    for path in ("/", "/data", "/static/style.css", "/nowhere"):
        answer = stranger.get(path)
        assert answer.status_code == 403
        assert "link" in answer.text


def test_the_token_does_not_stay_in_the_address_and_is_good_once(brought: Brought, stranger: TestClient) -> None:
    token = brought.keys.token()
    first = stranger.get("/data", params={"token": token, "page": "2"})
    assert (first.status_code, first.headers["location"]) == (303, "/data?page=2")
    assert token not in str(first.headers)
    assert stranger.get("/").status_code == 200
    stranger.cookies.clear()
    assert stranger.get("/", params={"token": token}).status_code == 403


def test_a_link_cannot_send_the_browser_to_another_host(brought: Brought, stranger: TestClient) -> None:
    answer = stranger.get(f"http://{HOST}//evil.example/", params={"token": brought.keys.token()})
    assert answer.headers["location"].startswith("/evil.example")


def test_a_guessed_token_or_session_is_refused(brought: Brought, stranger: TestClient) -> None:
    assert stranger.get("/", params={"token": "guess"}).status_code == 403
    assert stranger.get("/", headers={"cookie": f"{brought.keys.cookie}=guess"}).status_code == 403
    assert stranger.get("/", headers={"cookie": brought.keys.cookie.encode() + b"=\x80; ="}).status_code == 403


def test_two_servers_on_one_machine_do_not_end_each_others_sessions(brought: Brought, tmp_path: Path) -> None:
    """A browser sends the cookies of 127.0.0.1 to every port of it, and a second one of a name replaces the first."""
    other = application(Site(RunStore(tmp_path / ".assay"), tmp_path / "reviews.jsonl", tmp_path, who="ana"))
    first = TestClient(brought.app, base_url="http://127.0.0.1:8765", follow_redirects=False)
    second = TestClient(other.app, base_url="http://127.0.0.1:8766", follow_redirects=False)
    for client, keys in ((first, brought.keys), (second, other.keys)):
        client.get("/", params={"token": keys.token()})
    jar = {**dict(first.cookies), **dict(second.cookies)}
    header = {"cookie": "; ".join(f"{name}={value}" for name, value in jar.items())}
    assert (first.get("/", headers=header).status_code, second.get("/", headers=header).status_code) == (200, 200)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "", "127.0.0.2"])
def test_a_foreign_name_that_points_here_reads_nothing(holder: TestClient, host: str) -> None:
    assert holder.get("/", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost:9000", "[::1]:8765", "127.0.0.1:1"])
def test_a_tunnel_to_another_port_works(holder: TestClient, host: str) -> None:
    assert holder.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"origin": "http://evil.example", "sec-fetch-site": "same-origin"},
    ],
)
def test_a_change_from_another_page_is_refused(holder: TestClient, headers: dict[str, str]) -> None:
    answer = holder.post("/", headers=headers)
    assert (answer.status_code, "a page of this server" in answer.text) == (403, True)


def test_a_change_from_a_page_of_ours_passes_the_guard(holder: TestClient) -> None:
    assert holder.post("/", headers={"origin": f"http://{HOST}"}).status_code == 405  # the route takes no POST


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(holder: TestClient, method: str) -> None:
    assert holder.request(method, "/").status_code == 405


def test_every_answer_forbids_scripts_of_the_page_itself(holder: TestClient) -> None:
    for path in ("/", "/nowhere", "/static/keys.js"):
        policy = holder.get(path).headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert holder.get(path).headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/static/../guard.py", "/static/%2e%2e/guard.py", "/static//etc/passwd"])
def test_no_path_leads_out_of_the_static_files(holder: TestClient, path: str) -> None:
    assert holder.get(path).status_code == 404
