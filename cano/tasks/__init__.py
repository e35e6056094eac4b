"""What a task is: read once from its signature, checked, and bound to the resources that it asks for."""

from cano.tasks._decorator import task
from cano.tasks._result import TaskResult
from cano.tasks._spec import TaskSpec, spec_of

__all__ = ["TaskResult", "TaskSpec", "spec_of", "task"]
