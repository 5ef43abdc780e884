from __future__ import annotations

import sys
from pathlib import Path

# The broken stores are also opened by tests that run inside a test.
sys.path.append(str(Path(__file__).parent))
