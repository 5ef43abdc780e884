from __future__ import annotations

import sys
from pathlib import Path

# The tests share a desk, and so does the process that some of them start.
sys.path.append(str(Path(__file__).parent))
