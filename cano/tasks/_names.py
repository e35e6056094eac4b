"""Annotations that are text: resolved one by one, in the module that wrote them."""

import functools
import inspect
import sys
import types
import typing
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

from cano._text import name_of, shown_message
from cano.errors import AnnotationUnresolved, ConfigurationError, TaskInvalid


def body_of(fn: Any) -> Any:
    """Return the function that runs when ``fn`` is called: below partials, methods and callable objects, not below ``wraps``."""
    while True:
        if isinstance(fn, functools.partial):
            fn = fn.func
        elif isinstance(fn, types.MethodType):
            fn = fn.__func__
        elif inspect.isroutine(fn) or isinstance(fn, type) or hasattr(fn, "__code__"):
            return fn
        else:
            fn = type(fn).__call__


def author_of(fn: Any) -> Any:
    """Return the function whose text the annotations of ``fn`` are: below partials and ``functools.wraps``."""
    while True:
        if isinstance(fn, functools.partial):
            fn = fn.func
        elif isinstance(fn, types.MethodType):
            fn = fn.__func__
        elif isinstance(fn, types.FunctionType) or hasattr(fn, "__wrapped__"):
            inner = inspect.unwrap(fn, stop=lambda each: hasattr(each, "__signature__"))
            if inner is fn:
                return fn
            fn = inner
        elif isinstance(fn, type) or not callable(fn) or hasattr(fn, "__code__"):
            return fn
        else:
            method = type(fn).__call__
            if isinstance(method, types.WrapperDescriptorType):
                return fn  # compiled
            fn = method


def annotations_of(fn: Any) -> Mapping[str, Any]:
    """Return the annotations as they are written; none for what has none, or only pretends to (a mock)."""
    written = getattr(fn, "__annotations__", None)
    return written if isinstance(written, dict) else {}


class Names:
    """What the text of a task's annotations may refer to."""

    __slots__ = ("_body", "_known", "_module", "_space", "task")

    def __init__(self, task: str, fn: Callable[..., Any], known: Mapping[str, object], owner: type | None) -> None:
        author = author_of(fn)
        self.task = task
        self._module: str = getattr(author, "__module__", None) or "its module"
        of_module = vars(sys.modules[self._module]) if self._module in sys.modules and isinstance(author, type) else {}
        self._space: dict[str, Any] = getattr(author, "__globals__", of_module)
        home = author if isinstance(author, type) else _home_of(author, owner)
        generic = {each.__name__: each for each in (*_type_parameters(home), *_type_parameters(author))}
        self._known = {**known, **generic}
        self._body: Mapping[str, Any] = vars(home) if home is not None else {}

    def resolver(self, where: str) -> Callable[[str], object]:
        """Return the function that resolves text in the annotation of the parameter (or ``return``) named ``where``."""

        def resolve(text: str) -> object:
            try:
                try:
                    return eval(text, self._space, self._known)
                except NameError:
                    # In the body of its class it may mean what stands there; not before, or a method `list` would hide the type.
                    return eval(text, {**self._space, **self._body}, self._known)
            except Exception as error:
                raise AnnotationUnresolved(self.task, where, text, self._module) from error

        return resolve

    @contextmanager
    def reading(self, where: str, annotation: object, advice: str) -> Generator[Callable[[str], object], None, None]:
        """Read one annotation, with the function that resolves text in it, and name it in whatever goes wrong.

        Raises: AnnotationUnresolved for a name that is not known, also inside a lazy alias; TaskInvalid for what is no type.
        """
        try:
            yield self.resolver(where)
        except ConfigurationError:
            raise
        except NameError as error:
            text = annotation if isinstance(annotation, str) else name_of(annotation)
            raise AnnotationUnresolved(self.task, where, text, self._module) from error
        except Exception as error:  # a metaclass is the user's code
            raise TaskInvalid(self.task, f"{where}: {shown_message(error)}; {advice}") from error


def owner_of(subject: Any) -> type | None:
    """Return the class that a task belongs to, if it is a method, an object or a class itself."""
    while isinstance(subject, functools.partial):
        subject = subject.func
    if isinstance(subject, types.MethodType):
        subject = subject.__self__
    if isinstance(subject, type):
        return subject
    return None if inspect.isroutine(subject) or hasattr(subject, "__code__") else type(subject)


def _home_of(author: Any, owner: type | None) -> type | None:
    """Return the class in whose body the author stands: the owner, or a base of it."""
    name = getattr(author, "__name__", "")
    for each in owner.__mro__ if owner is not None else ():
        found = vars(each).get(name)
        if found is not None and author_of(getattr(found, "__func__", found)) is author:
            return each
    return None


def names_in_dataclass(made: type, name: str, task: str) -> Names:
    """Return the names that the annotation of a parameter of a dataclass may refer to.

    If ``dataclass`` wrote the ``__init__``, that are those of the class that has the field, perhaps a base of another module.
    """
    home = next(each for each in made.__mro__ if "__init__" in vars(each))
    if not getattr(vars(home).get("__dataclass_params__"), "init", False):
        return Names(task, vars(home)["__init__"], {}, home)
    fields = [each for each in home.__mro__ if "__dataclass_fields__" in vars(each) and name in inspect.get_annotations(each)]
    # make_dataclass writes typing.Any where no type is given, in whatever module.
    return Names(task, fields[0] if fields else home, {"typing": typing}, None)


def _type_parameters(owner: Any) -> tuple[Any, ...]:
    found = getattr(owner, "__type_params__", ())
    return found if isinstance(found, tuple) else ()


def local_names(fn: Callable[..., Any], frame: types.FrameType) -> dict[str, object]:
    """Return those names in the annotations of ``fn`` that are local where ``frame`` stands: a class defined in a function."""
    spaces: list[Mapping[str, object]] = []
    here: types.FrameType | None = frame
    while here is not None and here.f_locals is not here.f_globals:
        spaces.append(here.f_locals)
        if here.f_code.co_flags & inspect.CO_OPTIMIZED:
            break  # a function; a class body sees the function around it, too
        here = here.f_back
    if not spaces:
        return {}
    found: dict[str, object] = {}
    for annotation in annotations_of(author_of(fn)).values():
        for name in _names_in(annotation):
            for space in spaces:
                if name in space:
                    found.setdefault(name, space[name])
    return found


def _names_in(annotation: object) -> set[str]:
    try:
        if isinstance(annotation, typing.ForwardRef):
            annotation = annotation.__forward_arg__
        if typing.get_origin(annotation) is typing.Literal:
            return set()
        if isinstance(annotation, str):
            return set(compile(annotation, "<annotation>", "eval").co_names)
        return set().union(*map(_names_in, typing.get_args(annotation)))
    except Exception:  # noqa: BLE001 - a metaclass is the user's code; what is wrong comes out when the annotation is read
        return set()


def awaits(form: Any) -> bool:
    """Tell whether an annotation names an awaitable, such as ``Coroutine[...]``."""
    try:
        origin = typing.get_origin(form) or form
        return isinstance(origin, type) and hasattr(origin, "__await__")
    except Exception:  # noqa: BLE001 - as above
        return False
