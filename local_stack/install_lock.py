"""
Run a command while no other one runs in this folder: `python3 install_lock.py COMMAND ...`.

`make install` runs this with the system's Python before anything is installed, so it uses only the
standard library. Old versions of Python can parse it, too, and then print which version is needed.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - for people with an old Python
    sys.exit(
        "Python 3.11 or newer is needed, this is %d.%d; "  # noqa: UP031 - for an old Python
        "name another with: make PYTHON=/path/to/python3" % sys.version_info[:2]
    )

import fcntl
import os

# The command replaces this process and inherits the open file; the lock is released when it ends.
lock = open(".install.lock", "w")  # noqa: PTH123, SIM115
fcntl.flock(lock, fcntl.LOCK_EX)
os.set_inheritable(lock.fileno(), True)
os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - without a shell on purpose
