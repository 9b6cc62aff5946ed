"""
Run a program that ends when the process that started it ends, even if that was killed.

It is a script that uses only the standard library: `child.py PARENT SIGNAL USER PROGRAM ...`.
The program replaces it (exec), so the process id that the parent knows is the program's.

Linux sends SIGNAL when the *thread* that started this process ends. Start long-lived programs from
a thread that lives as long. Other systems send nothing; there only the parent's exit handlers end
the program.

`preexec_fn` is not used because it may deadlock in a process with threads, and `Popen(user=...)` is
not because the other user may not be able to read this script, and because the kernel forgets the
death signal when the user changes.
"""

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1


def run_program(parent: int, signal_number: int, user: str, argv: list[str]) -> None:
    """
    Run the program as this user, with a signal when its parent ends.

    Args:
        parent: the process id of the parent.
        signal_number: what Linux sends when the parent ends.
        user: a name, or "-" for the current user.
        argv: the program and its arguments.
    """
    # Before the user changes, because the other user may not be able to read Python's files.
    libc = ctypes.CDLL(None)
    if user != "-":
        entry = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    if sys.platform == "linux":
        libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    # If the parent ended before prctl(), the kernel sends no signal.
    if os.getppid() != parent:
        sys.exit(f"{argv[0]}: the process that started this one has ended")
    os.execvp(argv[0], argv)  # noqa: S606 - without a shell on purpose


if __name__ == "__main__":
    run_program(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
