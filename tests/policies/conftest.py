"""policy_worlds.py (made-up views, the artifact's rows) is shared by the tests of this folder."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
