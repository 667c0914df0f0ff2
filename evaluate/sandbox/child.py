"""Runs a program that a model wrote, and its tests, behind walls. Started by `sandbox.py` as a process of its own.

In this order: new namespaces (user, mounts, network, processes, IPC), so that there is no network and no other process
to be seen; a root of its own that holds Python and its libraries, read-only, and an empty folder to work in, so that
there is no home and nothing of the user's; no capability; limits on processor time, memory, files and threads; and a
filter of system calls under which no process can be started and no wall taken down. Whatever fails, nothing is run.

Nothing but the standard library is imported: this file runs with `python -I -S`.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import resource
import signal
import struct
import sys
import types
from collections.abc import Mapping, Sequence
from typing import Any

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
CLONE_THREAD = 0x00010000
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 4096, 16384, 1 << 18
MNT_DETACH = 2
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV = 1, 2, 4
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 22, 24, 38
SECCOMP_MODE_FILTER = 2
CAPABILITY_VERSION_3 = 0x20080522

DENIED = {
    "x86_64": {
        "socket": 41, "fork": 57, "vfork": 58, "execve": 59, "ptrace": 101, "pivot_root": 155, "chroot": 161,
        "mount": 165, "umount2": 166, "init_module": 175, "kexec_load": 246, "add_key": 248, "request_key": 249,
        "keyctl": 250, "unshare": 272, "perf_event_open": 298, "setns": 308, "process_vm_readv": 310,
        "process_vm_writev": 311, "finit_module": 313, "bpf": 321, "execveat": 322, "userfaultfd": 323,
        "io_uring_setup": 425, "open_tree": 428, "move_mount": 429, "fsopen": 430, "mount_setattr": 442,
        "shmget": 29, "semget": 64, "msgget": 68, "memfd_create": 319,
    },
    "aarch64": {
        "umount2": 39, "mount": 40, "pivot_root": 41, "chroot": 51, "unshare": 97, "kexec_load": 104,
        "init_module": 105, "ptrace": 117, "socket": 198, "add_key": 217, "request_key": 218, "keyctl": 219,
        "execve": 221, "perf_event_open": 241, "setns": 268, "process_vm_readv": 270, "process_vm_writev": 271,
        "finit_module": 273, "bpf": 280, "execveat": 281, "userfaultfd": 282, "io_uring_setup": 425,
        "open_tree": 428, "move_mount": 429, "fsopen": 430, "mount_setattr": 442,
        "msgget": 186, "semget": 190, "shmget": 194, "memfd_create": 279,
    },
}  # fmt: skip
"""System calls that are refused, by processor. A process cannot be started: `clone` may only make threads. Memory that
no limit counts cannot be had: shared memory and queues stay when they are let go."""

CLONE = {"x86_64": 56, "aarch64": 220}
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
CLONE3, MOUNT_SETATTR = 435, 442
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32 = 0x40000000

FOLDER = "/answer"
"""Where a program may write."""

_libc = ctypes.CDLL(None, use_errno=True)


def _call(what: str, result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def main() -> None:
    """The request is JSON on standard input, the answer JSON on standard output."""
    request = json.load(sys.stdin)
    answer = os.dup(1)
    try:
        _new_namespaces()
    except OSError as error:
        _say(answer, {"refused": f"no namespaces of its own ({error.strerror})"})
        return
    _wait(os.fork() or _first_process(request, answer))


def _wait(pid: int) -> None:
    """Ends as the child does."""
    _, status = os.waitpid(pid, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _first_process(request: Mapping[str, Any], answer: int) -> int:
    """Process 1 of its namespace: puts the walls up and waits for process 2, which runs the program."""
    try:
        _call("prctl", _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))
        _new_root(request["root"], request["binds"])
        _nothing_open_but(answer)
        _no_capabilities()
    except OSError as error:
        _say(answer, {"refused": error.strerror or str(error)})
        os._exit(0)
    pid = os.fork()
    if pid == 0:
        _second_process(request, answer)
    return pid


def _second_process(request: Mapping[str, Any], answer: int) -> None:
    try:
        _call("prctl", _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))
        _limit(request)
        sys.path[:] = request["path"]
        _filter_calls()
    except (OSError, ValueError) as error:
        _say(answer, {"refused": str(error)})
        os._exit(0)
    passed, failure = _run(request["code"], request["tests"])
    _say(answer, {"nonce": request["nonce"], "passed": passed, "failure": failure})
    os._exit(0)


def _say(answer: int, message: Mapping[str, Any]) -> None:
    os.write(answer, json.dumps(message).encode())


def _new_namespaces() -> None:
    user, group = os.getuid(), os.getgid()
    flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS
    _call("unshare", _libc.unshare(flags))
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123
            file.write(text)


def _mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    encoded = (os.fsencode(source), os.fsencode(target), kind.encode() if kind else None)
    _call(f"mount {target}", _libc.mount(*encoded, ctypes.c_ulong(flags), options.encode()))


def _new_root(root: str, binds: Sequence[str]) -> None:
    _mount("none", "/", None, MS_REC | MS_PRIVATE)
    _mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "size=64m,nr_inodes=4096,mode=755")
    for path in binds:
        target = root + path
        os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120
        if os.path.islink(path):  # noqa: PTH114
            os.symlink(os.readlink(path), target)  # noqa: PTH115, PTH211
            continue
        if os.path.isdir(path):  # noqa: PTH112
            os.makedirs(target, exist_ok=True)  # noqa: PTH103
        else:
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY))
        _mount(path, target, None, MS_BIND | MS_REC)
        _read_only(target, device=path.startswith("/dev/"))
    os.mkdir(root + FOLDER)  # noqa: PTH102
    os.chdir(root)
    _call("pivot_root", _libc.syscall(PIVOT_ROOT[platform.machine()], b".", b"."))
    _call("umount2", _libc.umount2(b".", MNT_DETACH))
    os.chdir(FOLDER)


def _read_only(target: str, *, device: bool) -> None:
    """With everything that is mounted below it: Linux 5.12."""
    attributes = ATTR_NOSUID if device else ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV
    wanted = struct.pack("=QQQQ", attributes, 0, 0, 0)
    done = _libc.syscall(MOUNT_SETATTR, AT_FDCWD, os.fsencode(target), AT_RECURSIVE, wanted, ctypes.c_size_t(32))
    _call(f"read-only {target}", done)


def _nothing_open_but(answer: int) -> None:
    null = os.open("/dev/null", os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.closerange(3, answer)
    os.closerange(answer + 1, 65_536)


def _no_capabilities() -> None:
    for capability in range(64):
        _libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = struct.pack("=II", CAPABILITY_VERSION_3, 0)
    _call("capset", _libc.capset(header, bytes(24)))
    _call("prctl", _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def _limit(request: Mapping[str, Any]) -> None:
    limits = {
        resource.RLIMIT_CPU: request["seconds"],
        resource.RLIMIT_AS: request["memory"],
        resource.RLIMIT_FSIZE: request["file_size"],
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_NPROC: 64,
        resource.RLIMIT_CORE: 0,
    }
    for name, most in limits.items():
        resource.setrlimit(name, (most, most))


def _filter_calls() -> None:
    """A program for the kernel's filter: one comparison a call, each with its own refusal behind it."""
    machine = platform.machine()
    load, equal, at_least, has_bits, give = 0x20, 0x15, 0x35, 0x45, 0x06
    allow, kill, not_permitted, not_there = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
    program = [(load, 0, 0, 4), (equal, 1, 0, AUDIT_ARCH[machine]), (give, 0, 0, kill), (load, 0, 0, 0)]
    if machine == "x86_64":
        program += [(at_least, 0, 1, X32), (give, 0, 0, kill)]
    for number in DENIED[machine].values():
        program += [(equal, 0, 1, number), (give, 0, 0, not_permitted)]
    program += [(equal, 0, 1, CLONE3), (give, 0, 0, not_there)]  # glibc then calls clone, whose flags can be read
    program += [(equal, 0, 3, CLONE[machine]), (load, 0, 0, 16), (has_bits, 1, 0, CLONE_THREAD)]
    program += [(give, 0, 0, not_permitted), (give, 0, 0, allow)]
    packed = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in program))
    header = struct.pack("@HP", len(program), ctypes.addressof(packed))
    _call("seccomp", _libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0))


def _run(code: str, tests: Sequence[str]) -> tuple[int, str]:
    """(tests passed, the first failure). The program is a module called `solution`; tests run in it, one by one."""
    module = types.ModuleType("solution")
    sys.modules["solution"] = module
    passed, failure = 0, ""
    for number, text in enumerate((code, *tests)):
        try:
            exec(compile(text, f"test {number}" if number else "solution", "exec"), module.__dict__)
        except BaseException as error:  # noqa: BLE001  # a program may raise what it likes, and exit
            where = f"test {number}" if number else "the program"
            failure = failure or f"{where}: {type(error).__name__}: {str(error)[:200]}"
            if number == 0:
                break
        else:
            passed += number > 0
    return passed, failure


if __name__ == "__main__":
    main()
