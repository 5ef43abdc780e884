"""The one version number of the workspace; all three packages are released in lock-step."""

__version__ = "0.4.0"
