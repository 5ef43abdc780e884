from __future__ import annotations

import sys
from pathlib import Path

# The tests share a network that fails on demand.
sys.path.append(str(Path(__file__).parent))
