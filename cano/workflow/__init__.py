"""Workflows: states, the tasks that belong to them, and the engine that runs them."""

from cano.workflow._branch import Branch
from cano.workflow._graph import Graph
from cano.workflow._join import Join
from cano.workflow._nested import SubWorkflow
from cano.workflow._report import RunReport, Step
from cano.workflow._workflow import Workflow

__all__ = ["Branch", "Graph", "Join", "RunReport", "Step", "SubWorkflow", "Workflow"]
