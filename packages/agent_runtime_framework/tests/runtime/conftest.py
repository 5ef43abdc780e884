from __future__ import annotations

import sys
from pathlib import Path

# The tests share a journey, and so do the processes they start and kill.
sys.path.append(str(Path(__file__).parent))
