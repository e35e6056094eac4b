"""Errors of work that is sent to an executor: what cannot cross, and executors that fail."""

from cano.errors._runs import WorkflowError


class NotPicklable(WorkflowError, TypeError):
    """Something cannot cross between this process and the one where the task ``task`` was to run, and was not sent.

    ``part`` is what: the function, a parameter or the result; ``found`` the name of its class, ``reason`` why. It is never tried
    again.
    """

    category = "not_picklable"

    def __init__(self, task: str, part: str, found: str, reason: str) -> None:
        super().__init__(task, part, found, reason)
        self.task = task
        self.part = part
        self.found = found
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.task}: {self.part} (a {self.found}) cannot cross between processes: {self.reason}"


class ExecutorFailed(WorkflowError):
    """The executor of the task ``task`` failed, not the task: a worker died, the pool is broken or shut down, the cluster is gone.

    ``executor`` is the name of its class, ``reason`` what happened; its own error, if it had one, is the cause. How far the work
    has come, nobody knows.
    """

    category = "executor_failed"

    def __init__(self, task: str, executor: str, reason: str) -> None:
        super().__init__(task, executor, reason)
        self.task = task
        self.executor = executor
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"{self.task}: its executor, a {self.executor}, failed: {self.reason}; "
            "one that is broken or shut down stays so for all who share it; "
            "a recipe, shared(lambda: ...), makes a new one when no run uses it any more"
        )


class WorkerError(WorkflowError):
    """The task ``task`` raised an exception in a worker that could not be brought here itself, since it does not pickle.

    ``error`` is the name of its class, ``message`` its arguments, if these are plain texts and numbers, ``traceback`` the text of
    its traceback in the worker.
    """

    category = "worker_error"

    def __init__(self, task: str, error: str, message: str, traceback: str) -> None:
        super().__init__(task, error, message, traceback)
        self.task = task
        self.error = error
        self.message = message
        self.traceback = traceback

    def __str__(self) -> str:
        said = f": {self.message}" if self.message else ""
        return f"{self.task} raised in a worker what cannot be pickled, {self.error}{said}"
