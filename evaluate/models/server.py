"""An OpenAI-compatible server: what it serves under which names, and its errors as one line each.

Nothing is scored under a name that the server does not serve.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

from assay.errors import ModelError, SettingsError, did_you_mean

from ..evaluation import ModelName
from ..settings import EvaluateSettings
from ..wording import names

Api: TypeAlias = Literal["completions", "chat"]

KEY = "OPENAI_API_KEY"
"""The environment variable that lm-eval takes the key from. The key goes into no file."""

ARMS: tuple[Literal["base", "previous", "candidate"], ...] = ("base", "previous", "candidate")
SAID = ("root", "parent", "owned_by", "max_model_len")
"""What servers say of a model beside its name: vLLM where its weights lie, and on which base an adapter stands."""
SECONDS = 30
"""For a list of models; an answer may take as long as `TIMEOUT` of the client."""


@dataclass(frozen=True)
class ServedModel:
    """name as the server has it; said: what `/models` says of it, of `SAID`; url: of its server."""

    name: str
    said: Mapping[str, Any]
    url: str

    @property
    def is_openais(self) -> bool:
        return urlsplit(self.url).hostname == "api.openai.com"


@dataclass(frozen=True)
class Server:
    """models are those of the settings, each known to be served; base_url is that of the base, up to `/completions`."""

    base_url: str
    api: Api
    models: Mapping[ModelName, ServedModel]

    @property
    def is_openai(self) -> bool:
        return self.models["base"].is_openais

    @property
    def context_length(self) -> int | None:
        """The shortest that the server says of any of the models."""
        said = [model.said.get("max_model_len") for model in self.models.values()]
        return min((int(length) for length in said if isinstance(length, int)), default=None)


def find_models(settings: EvaluateSettings) -> Server:
    """Asks the server what it serves. Raises SettingsError for settings that name no server or no base, ModelError for
    a server that cannot be asked, a name that it does not serve, and an adapter that stands on another base."""
    wanted = _wanted(settings)
    listed = {url: _listed(url) for url in dict.fromkeys(url for _, url in wanted.values())}
    models = {arm: _found(arm, name, listed[url], url) for arm, (name, url) in wanted.items()}
    base = models["base"]
    for arm, model in models.items():
        parent = model.said.get("parent")
        if arm != "base" and model.url == base.url and parent in listed[base.url] and parent != base.name:
            raise ModelError(
                f"the server says that '{model.name}' is an adapter on '{parent}', and the base here is '{base.name}'",
                where=base.url,
                fix=f"evaluate.served.base={parent}",
            )
    return Server(base.url, settings.api, models)


def _checked_url(given: str | None) -> str:
    fix = "evaluate.base_url=http://127.0.0.1:8000/v1"
    if not given:
        raise SettingsError("the backend openai needs the address of a server", fix=fix)
    parts = urlsplit(given)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"evaluate.base_url is no address: '{given:.60}'", fix=fix)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise SettingsError(
            "evaluate.base_url holds more than an address, and it is recorded",
            fix=f"give a key in the environment, as {KEY}",
        )
    url = given.rstrip("/")
    for ending in ("/chat/completions", "/completions"):
        url = url.removesuffix(ending)
    return url


_ELSEWHERE = re.compile(r"(.+?)@(https?://.+)")
"""NAME@ADDRESS: of a model on a server of its own."""


def _wanted(settings: EvaluateSettings) -> dict[ModelName, tuple[str, str]]:
    """{arm: (name, address of its server)}"""
    served: dict[ModelName, tuple[str, str]] = {}
    for arm in ARMS:
        given = settings.served.get(arm)
        if given and (found := _ELSEWHERE.fullmatch(given)):
            served[arm] = (found[1], _checked_url(found[2]))
        elif given:
            served[arm] = (given, _checked_url(settings.base_url))
    if "base" not in served:
        raise SettingsError(
            "the backend openai needs the name under which the server serves the base", fix="evaluate.served.base=NAME"
        )
    if len(set(served.values())) < len(served):
        raise SettingsError(
            f"evaluate.served gives two models one name ({names([name for name, _ in served.values()])}): they would "
            "be one model"
        )
    return served


def _found(arm: str, name: str, listed: Mapping[str, Mapping[str, Any]], url: str) -> ServedModel:
    if name not in listed:
        meant = did_you_mean(name, listed)
        raise ModelError(
            f"the server serves no '{name}', which evaluate.served.{arm} names; it serves {names(list(listed), 6)}",
            where=url,
            fix=meant
            or "load it there: vLLM takes adapters as --lora-modules NAME=FOLDER, Ollama as tags; on another server: "
            "NAME@ADDRESS",
        )
    return ServedModel(name, {key: listed[name][key] for key in SAID if listed[name].get(key) is not None}, url)


def _listed(url: str) -> dict[str, Mapping[str, Any]]:
    """{name: what the server says of it}."""
    import requests

    with server_errors(url):
        response = requests.get(f"{url}/models", headers=headers(), timeout=SECONDS)
        response.raise_for_status()
        content = response.json()
    try:
        return {str(entry["id"]): entry for entry in content["data"]}
    except (KeyError, TypeError) as error:
        raise ModelError(
            "/models does not answer as an OpenAI-compatible server's does",
            where=url,
            fix="base_url mostly ends in /v1",
        ) from error


def headers() -> dict[str, str]:
    key = os.environ.get(KEY)
    return {"Authorization": f"Bearer {key}"} if key else {}


@contextlib.contextmanager
def server_errors(url: str, heard: Sequence[str] = ()) -> Iterator[None]:
    """Whatever a call raises, by `requests` or by lm-eval's client, as one line. Raises ModelError.

    heard  what lm-eval has logged until then
    """
    import aiohttp
    import requests

    try:
        yield
    except ModelError as error:
        raise ModelError(error.what, where=error.where or url, fix=error.fix) from error
    except requests.HTTPError as error:
        got = error.response
        raise (_garbled(url) if got is None else _status(got.status_code, url, heard or [got.text])) from error
    except aiohttp.ClientResponseError as error:  # another kind of content has status 200
        raise (_status(error.status, url, heard) if error.status >= 400 else _garbled(url)) from error
    except (requests.Timeout, TimeoutError) as error:
        raise ModelError("the server gave no answer in time", where=url, fix="see whether it is overloaded") from error
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise _garbled(url) from error
    except (aiohttp.ClientError, OSError) as error:  # those of requests are such
        raise ModelError(
            "the server cannot be reached", where=url, fix="start it, or mend evaluate.base_url"
        ) from error


def _garbled(url: str) -> ModelError:
    return ModelError("the server answers with something that is no completion", where=url, fix="look at its log")


class ServerStatusError(ModelError):
    """The server answered, with a status that is an error."""


def _status(status: int, url: str, heard: Sequence[str]) -> ServerStatusError:
    said = _servers_words(heard)
    if status in (401, 403):
        what = "refuses the key" if os.environ.get(KEY) else "wants a key"
        return ServerStatusError(f"the server {what} ({status})", where=url, fix=f"export {KEY}")
    if status == 404:
        return ServerStatusError(
            f"the server has no such place or model (404){said}", where=url, fix="base_url mostly ends in /v1"
        )
    if status == 429:
        return ServerStatusError(
            f"the server takes no more requests (429), and did not after waiting{said}",
            where=url,
            fix="wait, or lower evaluate.num_concurrent; answers so far are kept",
        )
    fix = "answers so far are kept, and the same command goes on from them"
    return ServerStatusError(f"the server answers with an error ({status}){said}", where=url, fix=fix)


_LOGGED = re.compile(r".*?(?:error message|Response text): (.*?)(?:\. Retrying\.\.\.)?$", re.DOTALL)


def _servers_words(heard: Sequence[str]) -> str:
    """`: prompt too long`, of the last answer that was heard; without the key, which a server may repeat."""
    answers = [found[1] for text in heard if (found := _LOGGED.match(text))]
    text = answers[-1] if answers else next(iter(heard), "")
    with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
        content = json.loads(text)
        error = content.get("error", content)
        text = str(error if isinstance(error, str) else error.get("message") or error.get("detail"))
    line = next(iter(text.strip().splitlines()), "")[:200]
    key = os.environ.get(KEY)
    return f": {line.replace(key, '***') if key else line}" if line else ""
