"""What a task is: read once from its signature, checked, and bound to the resources that it asks for."""

from cano.tasks._binding import Call
from cano.tasks._decorator import task
from cano.tasks._inject import Parameter, Signature
from cano.tasks._kinds import Kind
from cano.tasks._result import TaskResult
from cano.tasks._returns import Returns, check_state_class
from cano.tasks._spec import TaskSpec, check_order, reading, spec_of
from cano.tasks._split_result import SplitResult

__all__ = [
    "Call",
    "Kind",
    "Parameter",
    "Returns",
    "Signature",
    "SplitResult",
    "TaskResult",
    "TaskSpec",
    "check_order",
    "check_state_class",
    "reading",
    "spec_of",
    "task",
]
