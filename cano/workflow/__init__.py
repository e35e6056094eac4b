"""Workflows: states, the tasks that belong to them, and the engine that runs them."""

from cano.workflow._graph import Graph
from cano.workflow._report import RunReport, Step
from cano.workflow._workflow import Workflow

__all__ = ["Graph", "RunReport", "Step", "Workflow"]
