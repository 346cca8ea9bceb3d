"""ClassAttributes: the attributes that methods read of self, and which of them their class gives a value."""

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from redraft_model.text.scopes import OWN_NAMES

# A class that has one of these, or a parent, or writes into its own dictionary, may have any attribute.
_OPENERS = frozenset({"__getattr__", "__getattribute__", "__dict__", "setattr", "vars"})
# Decorators that add nothing that a class does not name. Any other may.
_ADDING_NOTHING = frozenset({"dataclass", "final", "runtime_checkable", "total_ordering"})


@dataclass(frozen=True)
class Use:
    """A place where a method reads an attribute of self or cls, and the statement it is in, whose blocks are none of it."""

    node: ast.Attribute
    is_called: bool
    statement: ast.stmt | None


@dataclass
class ClassAttributes:
    """The attributes of a class, or those of self outside of all classes."""

    is_closed: bool = False  # whether it can have no other attributes than those in `data` and `methods`
    data: set[str] = field(default_factory=set)
    methods: set[str] = field(default_factory=set)
    uses: list[Use] = field(default_factory=list)

    def has(self, name: str) -> bool:
        """Whether an object of this class may have this attribute."""
        return not self.is_closed or name in self.data or name in self.methods or _is_pythons(name)

    def of_kind(self, *, called: bool) -> set[str]:
        """The names that are, or might be, called; or those that are read without."""
        named = self.methods if called else self.data
        used = {use.node.attr for use in self.uses if use.is_called == called and self.has(use.node.attr)}
        return {name for name in named | used if not _is_pythons(name)}

    def n_reads(self, name: str) -> int:
        """How often it is read, calls of it included."""
        return self._n_reads[name]

    def n_in_statement(self, name: str, statement: ast.stmt | None) -> int:
        """How often it is read in this statement."""
        return self._n_in[statement, name]

    @cached_property
    def _n_reads(self) -> Counter[str]:
        return Counter(use.node.attr for use in self.uses)

    @cached_property
    def _n_in(self) -> Counter[tuple[ast.stmt | None, str]]:
        return Counter((use.statement, use.node.attr) for use in self.uses)


def class_attributes(tree: ast.Module) -> list[ClassAttributes]:
    """The attributes of self of every class in a tree, and those outside of all; only what is read is in one of them."""
    reader = _Reader()
    reader.visit(tree)
    return reader.found


class _Reader(ast.NodeVisitor):
    """Reads a tree class by class."""

    def __init__(self) -> None:
        self.found = [ClassAttributes()]
        self._here = self.found[0]
        self._statement: ast.stmt | None = None
        self._called: set[ast.expr] = set()

    def visit(self, node: ast.AST) -> None:
        """Visit a node, within its statement if it is none."""
        around = self._statement
        if isinstance(node, ast.stmt):
            self._statement = node
        super().visit(node)
        self._statement = around

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        parents = [base for base in node.bases if not (isinstance(base, ast.Name) and base.id == "object")]
        around = self._here
        adding = {_last_name(decorator) for decorator in node.decorator_list} - _ADDING_NOTHING
        self._here = ClassAttributes(is_closed=not parents and not node.keywords and not adding)
        self.found.append(self._here)
        for statement in _own_statements(node.body):
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                self._here.methods.add(statement.name)
                # A property is read like data, and other decorators may do anything.
                if statement.decorator_list:
                    self._here.data.add(statement.name)
            elif isinstance(statement, ast.ClassDef):
                self._here.methods.add(statement.name)
            else:
                stored = (part for part in ast.walk(statement) if isinstance(part, ast.Name))
                self._here.data.update(part.id for part in stored if isinstance(part.ctx, ast.Store))
        self.generic_visit(node)
        if not _OPENERS.isdisjoint(self._here.methods):
            self._here.is_closed = False
        self._here = around

    def visit_Call(self, node: ast.Call) -> None:
        self._called.add(node.func)
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in _OPENERS:
            self._here.is_closed = False

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if node.attr in _OPENERS:
            self._here.is_closed = False
        if isinstance(node.value, ast.Name) and node.value.id in OWN_NAMES:
            if isinstance(node.ctx, ast.Load):
                self._here.uses.append(Use(node, node in self._called, self._statement))
            else:
                self._here.data.add(node.attr)
        self.generic_visit(node)


def _own_statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a class, those under its conditions included."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.If | ast.Try | ast.With | ast.For | ast.While):
            inner = [child for child in ast.iter_child_nodes(statement) if isinstance(child, ast.stmt)]
            handlers = [
                child for child in ast.iter_child_nodes(statement) if isinstance(child, ast.ExceptHandler)
            ]
            yield from _own_statements([*inner, *(each for handler in handlers for each in handler.body)])


def _last_name(decorator: ast.expr) -> str:
    """`name` of `@name`, `@module.name` and either of them called; "" of others."""
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def _is_pythons(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")
