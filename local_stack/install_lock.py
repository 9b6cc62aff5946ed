"""
Run a command, one at a time in this folder: `python3 install_lock.py COMMAND ...`.

`make install` starts this script with the system's Python before anything is installed, so it uses
only the standard library. Its first lines are plain enough for every older Python to refuse.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this is what tells people so
    sys.exit(
        "Python 3.11 or newer is needed, this is %d.%d; "  # noqa: UP031 - for an old Python
        "name another with: make PYTHON=/path/to/python3" % sys.version_info[:2]
    )

import fcntl
import os

# The command replaces this process and inherits the open file; its end gives the lock back.
lock = open(".install.lock", "w")  # noqa: PTH123, SIM115
fcntl.flock(lock, fcntl.LOCK_EX)
os.set_inheritable(lock.fileno(), True)
os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - no shell is the point
