"""What a short program prints. Programs are put together from parts; the truth is what Python prints."""

from __future__ import annotations

import contextlib
import io
import re
from random import Random

from general_suites.item import Item, Tier

ASK = (
    "What does this Python program print? Reply with its output only.",
    "Give exactly what the following Python program prints, and nothing else.",
    "Read this Python program. Reply only with the line that it prints.",
)
WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "islet", "juniper", "kelp", "larch")

LOOPS = (
    "for x in a:\n    if x % {k} == 0:\n        b.append(x // {k})\n    else:\n        b.append(x + {j})",
    "for i, x in enumerate(a):\n    b.append(x + i * {j})",
    "for x in a:\n    if x > {m}:\n        continue\n    b.append(x * {j})",
    "for x, y in zip(a, a[1:]):\n    b.append(abs(x - y))",
    "while len(a) > {k}:\n    b.append(a.pop(0) - {j})",
    "for x in a[::-1]:\n    b.append(x % {m} if x > {j} else x)",
    "total = 0\nfor x in a:\n    total += x\n    b.append(total)",
    "for x in sorted(a):\n    b.insert(0, x + {j})",
    "b = [x if x % 2 else -x for x in a]",
    "b = [x + {j} for x in a if x != {m}] + [len(a)]",
)
ENDS = (
    "print(b)",
    "print(sum(b))",
    "print(b[-1], b[0])",
    "print(max(b) - min(b))",
    "print(b[1:3])",
    "print(sorted(b))",
    "print(len(b), b[{k} % len(b)])",
    "print([x for x in b if x % 2 == 0])",
    "print(b[::2])",
    "print('-'.join(str(x) for x in b))",
)
LARGE_HEADS = (
    "def f(x, seen={{}}):\n    seen[x] = seen.get(x, 0) + 1\n    return x * {j} + seen[x]",
    "def f(x):\n    if x < {k}:\n        return x\n    return f(x - {k}) + f(x // 2)",
    "def make(n):\n    def inner(x):\n        nonlocal n\n        n += x % {k}\n        return n\n"
    "    return inner\nf = make({j})",
    "def f(x):\n    try:\n        return {m} // (x % {k})\n    except ZeroDivisionError:\n        return -x\n"
    "    finally:\n        log.append(x)",
    "def steps(x):\n    while x > 1:\n        x = x // 2 if x % 2 == 0 else 3 * x - {j}\n"
    "        yield x\n        if x > {m} * 9:\n            return\n"
    "def f(x):\n    return sum(1 for _, _ in zip(steps(x), range({k} + 3)))",
    "class Box:\n    count = 0\n    def __init__(self, x):\n        self.x = x\n        Box.count += x % {k}\n"
    "    def value(self):\n        return self.x + Box.count\ndef f(x):\n    return Box(x).value()",
    "table = [{j}]\ndef f(x):\n    table.append(table[-1] ^ x)\n    return table[-1] - len(table)",
    "cache = {{0: {j}}}\ndef f(x):\n    if x not in cache:\n        cache[x] = f(x // {k}) + x % {k}\n"
    "    return cache[x]",
    "def gen(x):\n    for i in range(1, x + 1):\n        if x % i == 0:\n            yield i\n"
    "def f(x):\n    d = list(gen(x))\n    return d[len(d) // 2] + {j} if len(d) > {k} else -x",
    "def f(x, depth=0):\n    if depth == {k} or x <= 1:\n        return x + depth\n"
    "    return f(x - {j}, depth + 1) if x % 2 else f(x // 2, depth + 1) * 2",
    "def f(x):\n    bits = bin(x)[2:]\n    return int(bits[::-1], 2) + bits.count('1') * {j}",
    "def f(x, *rest, scale={k}):\n    return x * scale - sum(rest)\nf = (lambda g: lambda x: g(x, {j}, x % {m}))(f)",
)
LARGE_BODIES = (
    "b = [f(x) for x in a]",
    "b = []\nfor x in a:\n    y = f(x)\n    if y % 2:\n        b.append(y)\n    else:\n        b.insert(0, x)",
    "b = list(map(f, sorted(a, key=lambda x: x % {k})))",
    "groups = {{}}\nfor x in a:\n    groups.setdefault(x % {k}, []).append(f(x))\n"
    "b = [sum(v) for _, v in sorted(groups.items())]",
    "b = []\nfor i, x in enumerate(a):\n    b = b[::-1]\n    b.append(f(x) + i)",
    "b = [f(x) if x > {m} else f(f(x)) for x in a]",
    "b = [f(x) for x in a[1:]] + [f(a[0])]",
    "b = []\nfor x in a:\n    if len(b) >= {k} and b[-1] > x:\n        b.pop()\n    b.append(f(x))",
    "b = [0]\nfor x in a:\n    b.append(b[-1] + f(x) if x % {k} else b[-1] - {j})",
    "b = sorted((f(x) for x in a), key=lambda y: (y % {k}, -y))",
)
LARGE_ENDS = (
    "print(b)",
    "print(sum(b), b[-1])",
    "print(b[1:-1])",
    "print(max(b), b.index(max(b)))",
    "print(sorted(b)[:3])",
    "print([y - x for x, y in zip(b, b[1:])])",
    "print(b[0], b[-1], len(b) + len(log))",
)
STRINGS = (
    "s = '{w}'\nt = ''\nfor i, c in enumerate(s):\n    t += c.upper() if i % {k} == 0 else c\nprint(t[::-1])",
    "s = '{w}-{v}'\nx, y = s.split('-')\nprint(y[:{k}] + x[-{k}:])",
    "s = '{w} {v}'\nd = {{}}\nfor c in s.replace(' ', ''):\n    d[c] = d.get(c, 0) + 1\n"
    "print(sorted(c for c in d if d[c] > 1))",
    "s = '{w}'\nprint(s[{k}:] + s[:{k}], s.find('{c}'))",
    "a = ['{w}', '{v}', '{u}']\nprint([x[{k} - 2] + x[-1] for x in sorted(a, key=lambda x: x[::-1])])",
    "s = '{w}{v}'\nprint(''.join(c for c in s if c not in '{u}'), len(s) % {k})",
)


def make(random: Random, tier: Tier, number: int) -> Item:
    """Programs that fail, print nothing or print much are thrown away."""
    while True:
        code, shape = _program(random, tier, number)
        with contextlib.suppress(Exception):
            printed = run(code)
            if 0 < len(printed) <= 40 and "\n" not in printed and printed not in ("[]", "0", "1"):
                return Item(f"{random.choice(ASK)}\n\n```python\n{code}\n```", printed, shape)


def _program(random: Random, tier: Tier, number: int) -> tuple[str, str]:
    names = dict(zip("wvu", random.sample(WORDS, 3), strict=True))
    values = {"k": random.randint(2, 4), "j": random.randint(1, 7), "m": random.randint(5, 12)}
    if tier == "medium" and number % 5 == 4:
        shape = random.randrange(len(STRINGS))
        return STRINGS[shape].format(
            **names, **values, c=random.choice(names["w"])
        ), f"string-{shape}-{names['w']}-{values['k']}"
    size = random.randint(4, 6) if tier == "medium" else random.randint(5, 7)
    start = f"a = {[random.randint(1, 20) for _ in range(size)]}"
    if tier == "medium":
        loop, end = number % len(LOOPS), number // len(LOOPS) % len(ENDS)
        parts = [start, "b = []", LOOPS[loop], ENDS[end]]
        return "\n".join(parts).format(**values), f"loop-{loop}-{end}-{values['k']}"
    head, body = number % len(LARGE_HEADS), number // len(LARGE_HEADS) % len(LARGE_BODIES)
    end = random.randrange(len(LARGE_ENDS))
    parts = ["log = []", LARGE_HEADS[head], start, LARGE_BODIES[body], LARGE_ENDS[end]]
    return "\n".join(parts).format(**values), f"function-{head}-{body}"


def run(code: str) -> str:
    """What our own program prints. Only text that this module wrote is run."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(code, {"__name__": "program"})
    return out.getvalue().rstrip("\n")


def solve(prompt: str) -> str:
    """Runs the program as it stands in the prompt."""
    (code,) = re.findall(r"```python\n(.*?)\n```", prompt, re.DOTALL)
    return run(code)
