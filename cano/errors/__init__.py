"""Every error that cano raises, with its facts as attributes.

An error holds objects and writes its sentence when it is printed. Its fields go to ``Exception.args``, so an error survives
``pickle`` and ``copy``, together with its cause and its notes. Each class is also the built-in error that it specialises.
"""

from cano._notes import Attempt, ErrorContext, context_of
from cano.errors._base import CanoError
from cano.errors._configuration import (
    AnnotationUnresolved,
    ConfigurationError,
    StateDuplicate,
    StateInvalid,
    StateUnknown,
    TaskInvalid,
    WorkflowFrozen,
    WorkflowInvalid,
)
from cano.errors._executors import ExecutorFailed, NotPicklable, WorkerError
from cano.errors._resources import (
    ResourceBroken,
    ResourceDuplicateKey,
    ResourceError,
    ResourceInUse,
    ResourceInvalid,
    ResourceNotBrought,
    ResourceNotFound,
    ResourceNotMade,
    ResourceTypeMismatch,
    TeardownFailed,
)
from cano.errors._runs import (
    AttemptTimeout,
    BranchCancelled,
    EventLoopMisuse,
    MaxStepsReached,
    ResultInvalid,
    RunCancelled,
    RunTimeout,
    SplitFailed,
    SplitTimeout,
    TargetUndeclared,
    WorkflowError,
)
from cano.errors._store import (
    AppendTypeMismatch,
    CommitConflict,
    CopyError,
    KeyNotFound,
    LockError,
    StoreError,
    TransactionClosed,
    TypeMismatch,
)

__all__ = [
    "AnnotationUnresolved",
    "AppendTypeMismatch",
    "Attempt",
    "AttemptTimeout",
    "BranchCancelled",
    "CanoError",
    "CommitConflict",
    "ConfigurationError",
    "CopyError",
    "ErrorContext",
    "EventLoopMisuse",
    "ExecutorFailed",
    "KeyNotFound",
    "LockError",
    "MaxStepsReached",
    "NotPicklable",
    "ResourceBroken",
    "ResourceDuplicateKey",
    "ResourceError",
    "ResourceInUse",
    "ResourceInvalid",
    "ResourceNotBrought",
    "ResourceNotFound",
    "ResourceNotMade",
    "ResourceTypeMismatch",
    "ResultInvalid",
    "RunCancelled",
    "RunTimeout",
    "SplitFailed",
    "SplitTimeout",
    "StateDuplicate",
    "StateInvalid",
    "StateUnknown",
    "StoreError",
    "TargetUndeclared",
    "TaskInvalid",
    "TeardownFailed",
    "TransactionClosed",
    "TypeMismatch",
    "WorkerError",
    "WorkflowError",
    "WorkflowFrozen",
    "WorkflowInvalid",
    "context_of",
]
