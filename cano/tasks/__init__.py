"""What a task is: read once from its signature, checked, and bound to the resources that it asks for."""

from cano.tasks._decorator import task
from cano.tasks._result import TaskResult
from cano.tasks._returns import check_state_class
from cano.tasks._spec import TaskSpec, looks_like_task, spec_of, task_name

__all__ = ["TaskResult", "TaskSpec", "check_state_class", "looks_like_task", "spec_of", "task", "task_name"]
