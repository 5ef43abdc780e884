from __future__ import annotations

import sys
from pathlib import Path

# The campaign's parts, and the processes it starts, find each other.
sys.path.append(str(Path(__file__).parent))
