"""How fast requests go out, what faults cost, and what kills lose: the official clients against servers on loopback.

    python benchmarks/synth_transport.py speed     2,000 requests, 64 at once, 50 ms each; target 1.15 of the ideal time
    python benchmarks/synth_transport.py faults    10,000 requests, one call in ten fails; all are accounted for
    python benchmarks/synth_transport.py kills     50 random kills, then a run to the end; nothing is paid for again

The server runs in a process of its own. The ideal time is the number of requests times the latency over how many are
under way at once: what a client without any work of its own would take. Processor time is printed beside it, since
on a busy machine the wall clock measures the other work.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, ClassVar

LATENCY = 0.05
TEXT = "Rewrite this message in other words, keep every number and name: " + "word " * 60
FAULTS = (429, 500, 503, 529, 408, 0)
"""0: the connection is closed without an answer."""


class Server(asyncio.Protocol):
    """HTTP/1.1 with kept connections, as little of it as a client needs: it must not be the bottleneck."""

    share: float = 0.0
    chance = random.Random(1)
    answered: ClassVar[Counter[str]] = Counter()
    calls = 0

    def connection_made(self, transport: Any) -> None:
        self.transport, self.buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            size = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            if len(self.buffer) < end + 4 + size:
                return
            body = self.buffer[end + 4 : end + 4 + size]
            self.buffer = self.buffer[end + 4 + size :]
            asyncio.get_running_loop().call_later(LATENCY, self._answer, body)

    def _answer(self, body: bytes) -> None:
        Server.calls += 1
        fault = self.chance.choice(FAULTS) if self.chance.random() < self.share else None
        if fault == 0:
            self.transport.close()
        elif fault is not None:
            self._send(fault, b'{"error": {"code": "fault"}}')
        else:
            asked = json.loads(body)["messages"][-1]["content"]
            Server.answered[asked.split("#")[-1]] += 1
            message = {"role": "assistant", "content": "Answer to " + asked[-300:]}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            usage = {"prompt_tokens": 80, "completion_tokens": 60, "total_tokens": 140}
            self._send(200, json.dumps({"model": "m", "choices": [choice], "usage": usage}).encode())

    def _send(self, status: int, body: bytes) -> None:
        head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        head += "x-ratelimit-remaining-requests: 9999\r\nx-ratelimit-limit-requests: 10000\r\n\r\n"
        self.transport.write(head.encode() + body)


def serve(share: float, pipe: Connection) -> None:
    async def run() -> None:
        Server.share = share
        server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0, backlog=256)
        pipe.send(server.sockets[0].getsockname()[1])
        while True:
            while not pipe.poll():
                await asyncio.sleep(0.05)
            last = pipe.recv() == "stop"
            pipe.send((Server.calls, dict(Server.answered)))
            if last:
                return

    asyncio.run(run())


class Running:
    """A server in its own process; `counts` ends it."""

    def __init__(self, share: float = 0.0) -> None:
        fresh = multiprocessing.get_context("spawn")  # a fork would drag the client's modules through its collector
        self.pipe, other = fresh.Pipe()
        self.process = fresh.Process(target=serve, args=(share, other))
        self.process.start()
        self.url = f"http://127.0.0.1:{self.pipe.recv()}/v1"

    def calls(self) -> int:
        """So far, those of killed children among them."""
        time.sleep(4 * LATENCY)
        return self.calls_now()

    def calls_now(self) -> int:
        self.pipe.send("look")
        return int(self.pipe.recv()[0])

    def counts(self) -> tuple[int, dict[str, int]]:
        """Calls, and answers by request."""
        self.pipe.send("stop")
        found: tuple[int, dict[str, int]] = self.pipe.recv()
        self.process.join()
        return found


def ask(url: str, folder: Path, count: int, concurrency: int) -> list[str | None]:
    """Asks so many requests through caller and journal; imports and the making of requests are not what is timed."""
    from assay.calls.caller import Caller
    from assay.calls.journal import Journal
    from assay.protocols import GenerationRequest, Price
    from assay.records import Message
    from assay.synth.provider import make_provider
    from assay.synth.settings import SynthSettings

    given = SynthSettings(provider="openai_compatible", model="m", base_url=url, concurrency=concurrency, timeout=60)
    provider = make_provider(given, None)
    requests = [GenerationRequest((Message("user", f"{TEXT}#{number}"),), 100) for number in range(count)]
    with Journal(folder / "journal.sqlite", max_requests=1_000_000, max_usd=1e6) as book:
        print("ready", flush=True)
        started, used = time.perf_counter(), time.process_time()
        answers = Caller(provider, book, Price(1, 1), 8).ask(requests)
        wall, used = time.perf_counter() - started, time.process_time() - used
        spent = book.spent()
    ideal = count * LATENCY / concurrency
    print(
        f"{count:,} requests, {concurrency} at once: {wall:.3f} s, {wall / ideal:.3f} of the ideal {ideal:.3f} s; "
        f"{used / count * 1000:.3f} ms of processor time a request; {spent.requests:,} calls, "
        f"{spent.answered:,} answered, {spent.unknown:,} unknown; load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    return [answer and answer.text for answer in answers]


def speed(count: int) -> None:
    for _ in range(3):
        server = Running()
        with tempfile.TemporaryDirectory() as folder:
            ask(server.url, Path(folder), count, 64)
        server.counts()


def faults(count: int) -> None:
    server = Running(share=0.1)
    with tempfile.TemporaryDirectory() as folder:
        answers = ask(server.url, Path(folder), count, 64)
        states = _states(Path(folder))
    calls, answered = server.counts()
    right = sum(answer is not None and answer.endswith(f"#{number}") for number, answer in enumerate(answers))
    again = sum(times - 1 for times in answered.values())
    print(f"{right:,} of {count:,} have their own answer; {again} were answered twice")
    print(f"the journal knows {sum(states.values()):,} calls ({states}), the server {calls:,}")


def kills(count: int, times: int) -> None:
    """Each child is killed after a random number of calls; then one runs undisturbed."""
    server, chance = Running(), random.Random(11)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, __file__, "child", "--url", server.url, "--folder", name, "--count", str(count)]
        for _ in range(times):
            child = subprocess.Popen(command, stdout=subprocess.PIPE)
            assert child.stdout is not None
            child.stdout.readline()
            until = server.calls() + chance.randrange(30)  # not a time: on a busy machine nothing may have come by then
            while server.calls_now() < until and child.poll() is None:
                pass  # the server looks twenty times a second
            time.sleep(chance.uniform(0.0, 0.05))
            child.kill()
            child.communicate()
        before, called = _states(folder), server.calls()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        killed = json.loads((folder / "answers.json").read_text())
        after = _states(folder)
    calls, answered = server.counts()
    clean = Running()
    with tempfile.TemporaryDirectory() as name:
        undisturbed = ask(clean.url, Path(name), count, 8)
    clean.counts()
    lost = before.get("sent", 0)
    again = sum(n - 1 for n in answered.values())
    print(f"{times} kills: {before.get('answered', 0)} answers journalled, {lost} calls cut, charged as unknown")
    missing, sent = count - before.get("answered", 0), calls - called
    print(f"the last run sent {sent} calls for the {missing} that were missing, and {after['answered']} are answered")
    print(
        f"{again} of the cut calls had been answered, and were asked again; none that was journalled: {again <= lost}"
    )
    print(f"the data are those of the undisturbed run: {killed == undisturbed}; {calls} calls in all")


def _states(folder: Path) -> dict[str, int]:
    with sqlite3.connect(folder / "journal.sqlite") as database:
        rows = dict(database.execute("SELECT state, count(*) FROM attempts GROUP BY state").fetchall())
    database.close()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "faults", "kills", "child"])
    parser.add_argument("--count", type=int, help="requests")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--url")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.what == "speed":
        speed(given.count or 2000)
    elif given.what == "faults":
        faults(given.count or 10_000)
    elif given.what == "kills":
        kills(given.count or 400, given.kills)
    else:
        (given.folder / "answers.json").write_text(json.dumps(ask(given.url, given.folder, given.count, 8)))


if __name__ == "__main__":
    main()
