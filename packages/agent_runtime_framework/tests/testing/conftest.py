"""What these tests talk to can be imported: `journeys`, and the examples."""

import sys
from pathlib import Path

HERE = Path(__file__).parent

sys.path += [str(HERE), str(HERE.parents[3] / "examples")]
