"""What a task is: read once from its signature, checked, and bound to the resources that it asks for."""

from cano.tasks._decorator import task
from cano.tasks._result import TaskResult
from cano.tasks._returns import check_state_class
from cano.tasks._spec import TaskSpec, check_order, spec_of

__all__ = ["TaskResult", "TaskSpec", "check_order", "check_state_class", "spec_of", "task"]
