"""Finds the mistakes in a journey before a person does."""

from agent_runtime_framework.journey.check.check import check, check_reading, finding_of
from agent_runtime_framework.journey.check.finding import Finding, Severity

__all__ = ["Finding", "Severity", "check", "check_reading", "finding_of"]
