"""Scope analysis of a syntax tree: names with the scopes they are used in, operators, literals, and where each stands."""

import ast
import builtins
import itertools
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from redraft_model.passage import Span
from redraft_model.text.ngrams import NgramContext

COMPARISONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
ARITHMETIC = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>", ast.MatMult: "@",
}  # fmt: skip
OWN_NAMES = frozenset({"self", "cls"})  # what a method calls its object or its class
FILLERS = frozenset({"_", "__class__"})  # names that are hardly taken for others


@dataclass
class Scope:
    """The names of a function, of a comprehension or lambda in it, or of the fragment's top level."""

    outer: "Scope | None" = None  # of a comprehension or lambda: what is around it
    closure: "Scope | None" = None  # of a function: what is around it, whose variables it can read
    bound: dict[str, int] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)
    parameters: set[str] = field(default_factory=set)
    # Imports, functions, classes and the like: they are called or have a dot, and are hardly taken for variables.
    defined: set[str] = field(default_factory=set)

    def names(self) -> dict[str, int]:
        """Variables that can be meant here, with the offset where each appears first."""
        inherited = self.outer.names() if self.outer else {}
        return {**self.used, **inherited, **self.bound}

    def binds(self, name: str) -> bool:
        """Whether `name` is assigned or a parameter here."""
        return name in self.bound or (self.outer is not None and self.outer.binds(name))

    def has_parameter(self, name: str) -> bool:
        """Whether `name` is a parameter here."""
        return name in self.parameters or (
            name not in self.bound and self.outer is not None and self.outer.has_parameter(name)
        )

    def knows(self, name: str) -> bool:
        """Whether `name` is bound or defined here or in a scope around this one."""
        around = self.outer or self.closure
        return name in self.bound or name in self.defined or (around is not None and around.knows(name))

    def known(self) -> Iterator[str]:
        """All names that are bound or defined here or in a scope around this one."""
        yield from (*self.bound, *self.defined)
        if around := self.outer or self.closure:
            yield from around.known()

    def of_function(self) -> "Scope":
        """The scope of the function that this one is of, or in."""
        return self.outer.of_function() if self.outer else self

    def owner(self, name: str) -> "Scope":
        """The scope whose variable `name` is: the first from here outwards that binds it, the outermost if none does."""
        around = self.outer or self.closure
        return self if name in self.bound or around is None else around.owner(name)


class ScopeAnalysis:
    """The nodes of a tree by kind, and where they stand in its text."""

    def __init__(self, code: str, tree: ast.Module) -> None:
        self.code = code
        self.tree = tree
        self.names: list[tuple[ast.Name, Scope]] = []
        self.called: list[tuple[ast.Name, Scope]] = []
        self.calls: list[ast.Call] = []
        self.comparisons: list[ast.Compare] = []
        self.arithmetic: list[ast.BinOp] = []
        self.augmented: list[ast.AugAssign] = []
        self.boolean: list[ast.BoolOp] = []
        self.literals: list[ast.Constant] = []
        self.conditions: list[ast.expr] = []
        self.attributes: list[tuple[ast.Attribute, bool]] = []
        self._functions: list[Span] = []
        self._reads: list[tuple[str, Scope]] = []
        self._statement: ast.stmt | None = None  # the innermost one around what is visited
        self._statement_of: dict[ast.Name, ast.stmt | None] = {}
        self._names_in: Counter[tuple[ast.stmt | None, str]] = Counter()
        # ast counts lines as the tokenizer does, so form feeds and the like do not end one.
        self._lines = code.split("\n")
        self._starts = list(itertools.accumulate((len(line) + 1 for line in self._lines), initial=0))
        self._module = Scope()
        self._knows_all = False
        self.is_module = any(isinstance(node, ast.Import | ast.ImportFrom) for node in tree.body)
        self._visit_all(tree.body, self._module)

    @cached_property
    def ngrams(self) -> NgramContext:
        """What stands around its words."""
        return NgramContext(self.code)

    def offset(self, line: int, column: int) -> int:
        """Character offset of ast's 1-based line and UTF-8 column."""
        text = self._lines[line - 1]
        if not text.isascii():
            column = len(text.encode()[:column].decode(errors="ignore"))
        return self._starts[line - 1] + column

    def start(self, node: ast.expr | ast.stmt) -> int:
        """Offset of the node's first character."""
        return self.offset(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt) -> int:
        """Offset behind the node's last character."""
        return self.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def text(self, node: ast.expr | ast.stmt) -> str:
        """The node's source text."""
        return self.code[self.start(node) : self.end(node)]

    def function_at(self, offset: int) -> int:
        """Where the innermost function around an offset begins; -1 outside of all."""
        return max((span.start for span in self._functions if span.start <= offset < span.end), default=-1)

    def is_known(self, name: str, scope: Scope) -> bool:
        """Whether anything in the text, or Python itself, gives `name` a value that can be read in `scope`."""
        return self._knows_all or name in _BUILTINS or scope.knows(name)

    def known(self, scope: Scope) -> set[str]:
        """The names that can be read in `scope`, Python's own included, but for those with two underscores around them."""
        return {
            name
            for name in (*scope.known(), *_BUILTINS)
            if not (name.startswith("__") and name.endswith("__"))
        }

    def n_reads(self, name: str, scope: Scope) -> int:
        """How often the variable that `name` means in `scope` is read, calls of it included."""
        return self._n_reads[id(scope.owner(name)), name]

    def n_uses(self, name: str, scope: Scope, use: str) -> int:
        """How often the variable that `name` means in `scope` has `use`, the character behind it, behind itself."""
        return self._n_uses[id(scope.owner(name)), name, use]

    def use(self, node: ast.Name) -> str:
        """What is done with a variable, by the character behind it: "." or "[", or "" for anything else."""
        end = self.end(node)
        behind = self.code[end : end + 1]
        return behind if behind in {".", "["} else ""

    def attribute(self, node: ast.Name) -> str:
        """The attribute of a variable that is meant; empty where it is the variable itself."""
        return self._attribute_of.get(node, "")

    def n_wanted(self, name: str, scope: Scope, attribute: str) -> int:
        """How often this attribute is meant of the variable that `name` means in `scope`."""
        return self._n_wanted[id(scope.owner(name)), name, attribute]

    def n_in_statement(self, name: str, node: ast.Name) -> int:
        """How often `name` stands in the statement of `node`, whose blocks are none of it."""
        return self._names_in[self._statement_of[node], name]

    def n_beside(self, name: str, node: ast.Name) -> int:
        """How often `name` is an argument of the same call, or an operand of the same operator, as `node` is."""
        return self._beside.get(node, _NONE)[name]

    @cached_property
    def _beside(self) -> dict[ast.Name, Counter[str]]:
        found: dict[ast.Name, Counter[str]] = {}
        for parent in ast.walk(self.tree):
            if isinstance(parent, ast.keyword):
                continue  # its value is an argument of the call
            children = ast.iter_child_nodes(parent)
            if isinstance(parent, ast.Call):
                children = iter([*parent.args, *(keyword.value for keyword in parent.keywords)])
            names = [child for child in children if isinstance(child, ast.Name)]
            counted = Counter(name.id for name in names)
            found.update((name, counted) for name in names)
        return found

    @cached_property
    def _attribute_of(self) -> dict[ast.Name, str]:
        return {node.value: node.attr for node, _ in self.attributes if isinstance(node.value, ast.Name)}

    @cached_property
    def _n_wanted(self) -> Counter[tuple[int, str, str]]:
        return Counter(
            (id(scope.owner(node.id)), node.id, self.attribute(node)) for node, scope in self.names
        )

    @cached_property
    def _n_uses(self) -> Counter[tuple[int, str, str]]:
        return Counter((id(scope.owner(node.id)), node.id, self.use(node)) for node, scope in self.names)

    @cached_property
    def _n_reads(self) -> Counter[tuple[int, str]]:
        return Counter((id(scope.owner(name)), name) for name, scope in self._reads)

    def between(self, left: ast.expr | ast.stmt, right: ast.expr, pattern: str) -> Span | None:
        """Where `pattern` stands between two nodes; None when a comment, which might hold it, does too."""
        start, end = self.end(left), self.start(right)
        gap = self.code[start:end]
        match = None if "#" in gap else re.search(pattern, gap)
        return Span(start + match.start(), start + match.end()) if match else None

    def _visit_all(self, nodes: Sequence[ast.AST | None], scope: Scope) -> None:
        for node in nodes:
            if node is not None:
                self._visit(node, scope)

    def _visit(self, node: ast.AST, scope: Scope) -> None:
        around = self._statement
        if isinstance(node, ast.stmt):
            self._statement = node
        visit = _VISITS.get(type(node), ScopeAnalysis._children)
        visit(self, node, scope)
        self._statement = around

    def _children(self, node: ast.AST, scope: Scope) -> None:
        self._visit_all(list(ast.iter_child_nodes(node)), scope)

    def _note(self, node: ast.Name) -> None:
        self._statement_of[node] = self._statement
        self._names_in[self._statement, node.id] += 1

    def _name(self, node: ast.Name, scope: Scope) -> None:
        self._note(node)
        if isinstance(node.ctx, ast.Load):
            self.names.append((node, scope))
            self._reads.append((node.id, scope))
            if node.id not in _BUILTINS:
                scope.used.setdefault(node.id, self.start(node))
        else:
            scope.bound.setdefault(node.id, self.start(node))

    def _assign(self, node: ast.Assign, scope: Scope) -> None:
        self._visit(node.value, scope)
        for target in node.targets:
            # In its own statement a new variable cannot be meant yet.
            self._bind(target, scope, self.end(node))

    def _for(self, node: ast.For | ast.AsyncFor, scope: Scope) -> None:
        self._visit(node.iter, scope)
        self._bind(node.target, scope, self.end(node.iter))
        self._visit_all([*node.body, *node.orelse], scope)

    def _bind(self, target: ast.expr, scope: Scope, offset: int) -> None:
        for part in ast.walk(target):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                scope.bound.setdefault(part.id, offset)
        self._visit(target, scope)

    def _import(self, node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
        for alias in node.names:
            scope.defined.add(alias.asname or alias.name.partition(".")[0])
            self._knows_all |= alias.name == "*"

    def _named(
        self, node: ast.ClassDef | ast.ExceptHandler | ast.MatchAs | ast.MatchStar, scope: Scope
    ) -> None:
        if node.name:
            scope.defined.add(node.name)
        self._children(node, scope)

    def _mapping(self, node: ast.MatchMapping, scope: Scope) -> None:
        if node.rest:
            scope.defined.add(node.rest)
        self._children(node, scope)

    def _global(self, node: ast.Global, scope: Scope) -> None:  # noqa: ARG002  (all visits look alike)
        self._module.defined.update(node.names)

    def _walrus(self, node: ast.NamedExpr, scope: Scope) -> None:
        # A comprehension's leaves its variable to the function.
        scope.of_function().defined.add(node.target.id)
        self._children(node, scope)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, scope: Scope) -> None:
        arguments = node.args
        self._visit_all([*arguments.defaults, *arguments.kw_defaults], scope)
        inner = Scope(outer=scope) if isinstance(node, ast.Lambda) else Scope(closure=scope)
        for argument in _parameters(arguments):
            inner.bound[argument.arg] = self.offset(argument.lineno, argument.col_offset)
            inner.parameters.add(argument.arg)
        if isinstance(node, ast.Lambda):
            self._visit(node.body, inner)
        else:
            scope.defined.add(node.name)
            # What follows the name in brackets, from Python 3.12 on.
            inner.defined.update(parameter.name for parameter in getattr(node, "type_params", ()))
            self._functions.append(Span(self.start(node), self.end(node)))
            self._visit_all(node.decorator_list, scope)
            self._visit_all(node.body, inner)

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, scope: Scope
    ) -> None:
        for generator in node.generators:
            self._visit(generator.iter, scope)
            scope = Scope(outer=scope)
            # The element stands before the clause that binds its variable.
            self._bind(generator.target, scope, 0)
            self._visit_all(list(generator.ifs), scope)
            self.conditions.extend(generator.ifs)
        self._visit_all([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt], scope)

    def _call(self, node: ast.Call, scope: Scope) -> None:
        self.calls.append(node)
        if isinstance(node.func, ast.Attribute):
            self.attributes.append((node.func, True))
            self._base(node.func.value, scope)
        elif isinstance(node.func, ast.Name):
            self._note(node.func)
            # What is called by name is a function, and hardly taken for one of the variables.
            self.called.append((node.func, scope))
            self._reads.append((node.func.id, scope))
        else:
            self._visit(node.func, scope)
        self._visit_all([*node.args, *(keyword.value for keyword in node.keywords)], scope)

    def _attribute(self, node: ast.Attribute, scope: Scope) -> None:
        self.attributes.append((node, False))
        self._base(node.value, scope)

    def _base(self, node: ast.expr, scope: Scope) -> None:
        """What stands before a dot: a variable only if it is bound here, else more likely a module."""
        if isinstance(node, ast.Name):
            self._note(node)
            self.names.append((node, scope))
            self._reads.append((node.id, scope))
        else:
            self._visit(node, scope)

    def _compare(self, node: ast.Compare, scope: Scope) -> None:
        self.comparisons.append(node)
        self._children(node, scope)

    def _binary(self, node: ast.BinOp, scope: Scope) -> None:
        self.arithmetic.append(node)
        self._children(node, scope)

    def _augment(self, node: ast.AugAssign, scope: Scope) -> None:
        self.augmented.append(node)
        self._children(node, scope)

    def _bool(self, node: ast.BoolOp, scope: Scope) -> None:
        self.boolean.append(node)
        self._children(node, scope)

    def _constant(self, node: ast.Constant, scope: Scope) -> None:  # noqa: ARG002  (all visits look alike)
        self.literals.append(node)

    def _test(self, node: ast.If | ast.While | ast.IfExp | ast.Assert, scope: Scope) -> None:
        self.conditions.append(node.test)
        self._children(node, scope)

    def _annotated(self, node: ast.AnnAssign, scope: Scope) -> None:
        self._visit_all([node.target, node.value], scope)

    def _expression(self, node: ast.Expr, scope: Scope) -> None:
        # A bare string is a docstring: nothing in it is a value.
        if not isinstance(node.value, ast.Constant):
            self._visit(node.value, scope)


_VISITS: dict[type[ast.AST], Callable[..., None]] = {
    ast.Name: ScopeAnalysis._name,
    ast.Assign: ScopeAnalysis._assign,
    ast.For: ScopeAnalysis._for,
    ast.AsyncFor: ScopeAnalysis._for,
    ast.FunctionDef: ScopeAnalysis._function,
    ast.AsyncFunctionDef: ScopeAnalysis._function,
    ast.Lambda: ScopeAnalysis._function,
    ast.Import: ScopeAnalysis._import,
    ast.ImportFrom: ScopeAnalysis._import,
    ast.ClassDef: ScopeAnalysis._named,
    ast.ExceptHandler: ScopeAnalysis._named,
    ast.MatchAs: ScopeAnalysis._named,
    ast.MatchStar: ScopeAnalysis._named,
    ast.MatchMapping: ScopeAnalysis._mapping,
    ast.Global: ScopeAnalysis._global,
    ast.NamedExpr: ScopeAnalysis._walrus,
    ast.ListComp: ScopeAnalysis._comprehension,
    ast.SetComp: ScopeAnalysis._comprehension,
    ast.GeneratorExp: ScopeAnalysis._comprehension,
    ast.DictComp: ScopeAnalysis._comprehension,
    ast.Call: ScopeAnalysis._call,
    ast.Attribute: ScopeAnalysis._attribute,
    ast.Compare: ScopeAnalysis._compare,
    ast.BinOp: ScopeAnalysis._binary,
    ast.AugAssign: ScopeAnalysis._augment,
    ast.BoolOp: ScopeAnalysis._bool,
    ast.Constant: ScopeAnalysis._constant,
    ast.If: ScopeAnalysis._test,
    ast.While: ScopeAnalysis._test,
    ast.IfExp: ScopeAnalysis._test,
    ast.Assert: ScopeAnalysis._test,
    ast.AnnAssign: ScopeAnalysis._annotated,
    ast.Expr: ScopeAnalysis._expression,
}
# Python's own names, and what a module is given when it is loaded.
_BUILTINS = frozenset(
    {*dir(builtins), "__file__", "__path__", "__annotations__", "__dict__", "__module__", "__qualname__"}
)
_NONE: Counter[str] = Counter()


def _parameters(arguments: ast.arguments) -> Iterator[ast.arg]:
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    yield from (argument for argument in (arguments.vararg, arguments.kwarg) if argument)


def parsed(code: str) -> ast.Module | None:
    """The syntax tree of `code`; None when the parser refuses it for whatever reason."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def unbound_names(tree: ast.Module) -> list[str]:
    """Names that the code reads, in the order of their first use, while nothing in it binds them in any scope.

    None where it imports everything from somewhere.
    """
    bound: set[str] = set()
    read: dict[str, tuple[int, int]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            place = node.lineno, node.col_offset
            read[node.id] = min(place, read.get(node.id, place))
        bound.update(_bound_by(node))
    names = [] if "*" in bound else sorted(read.keys() - bound - _BUILTINS, key=lambda name: read[name])
    return [name for name in names if not name.startswith("__")]


def defined_names(tree: ast.Module) -> set[str]:
    """Names that the outermost level imports or defines as a function or class, without what is under a condition."""
    nodes: list[ast.AST] = []
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            nodes += node.names
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            nodes.append(node)
    return {name for node in nodes for name in _bound_by(node)}


def _bound_by(node: ast.AST) -> Iterator[str]:
    """The names that a node binds, not those in it."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.alias):
        yield node.asname or node.name.partition(".")[0]
    elif isinstance(node, ast.Global | ast.Nonlocal):
        yield from node.names
    else:
        # Functions, classes, handlers, patterns and type parameters; the value of none is something else than text.
        yield from (
            name
            for name in (getattr(node, "name", None), getattr(node, "rest", None))
            if isinstance(name, str)
        )


def steps(node: ast.Compare) -> list[tuple[ast.expr, ast.cmpop, ast.expr]]:
    """The links of a chain of comparisons: left, operator, right."""
    return list(zip([node.left, *node.comparators], node.ops, node.comparators, strict=False))
