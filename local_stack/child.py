"""
Become another program that ends when the starting process ends, even by SIGKILL.

Run as a script with nothing but the standard library: `child.py PARENT SIGNAL USER PROGRAM ...`.
It is replaced by the program (exec), so the process id the parent knows is the program's own.

Linux sends SIGNAL when the *thread* that started this process ends, so start long-lived children
from a thread that lives as long. Elsewhere nothing is sent; the parent's exit handlers remain.
Why not `preexec_fn`: it may deadlock in a process with threads. Why not `Popen(user=...)`: the
other user may not be able to read this script, and the change forgets what the kernel was asked.
"""

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1


def become(parent: int, signal_number: int, user: str, argv: list[str]) -> None:
    """
    Drop to the user (unless "-"), tie this process to its parent, and run the program.
    """
    # Loaded before the change of user: the other one may not be able to read Python's own files.
    libc = ctypes.CDLL(None)
    if user != "-":
        entry = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    if sys.platform == "linux":
        libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    # If the parent died before the kernel was asked, no signal will come.
    if os.getppid() != parent:
        sys.exit(f"{argv[0]}: the process that wanted this one is gone")
    os.execvp(argv[0], argv)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    become(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
