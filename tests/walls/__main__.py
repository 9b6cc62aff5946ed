"""`python -m tests.walls [FOLDER]`: print every breach of a wall; exit status 1 if there is one."""

import sys
from pathlib import Path

from tests.walls.source_walls import find_breaches

breaches = find_breaches(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
print("\n".join(breaches) or "The walls of the source stand.")
sys.exit(bool(breaches))
