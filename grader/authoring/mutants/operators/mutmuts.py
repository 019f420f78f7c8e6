"""The general operators, which are mutmut's: numbers, comparisons, arguments, assignments."""

from __future__ import annotations

from collections.abc import Iterator

from grader.errors import GraderError

_NOT_TAKEN = frozenset({"operator_dict_arguments", "operator_if_exp", "operator_string"})
"""Those whose mutants one of ours stands for: a text's letters, a branch that is always taken."""


def library_mutants(code: str) -> Iterator[tuple[str, int, str]]:
    """Each mutant of `code` by a general operator: the operator's name, the line, the new code.

    Raises:
        GraderError: mutmut is not installed.
    """
    try:
        import libcst  # noqa: PLC0415 - only authors have it
        from libcst.metadata import MetadataWrapper, PositionProvider  # noqa: PLC0415
        from mutmut.mutation.mutators import mutation_operators  # noqa: PLC0415
    except ImportError:
        raise GraderError(
            "mutants need mutmut, which is not installed", "Run `make setup-instructor`."
        ) from None
    wrapper = MetadataWrapper(libcst.parse_module(code))
    found: list[tuple[libcst.CSTNode, int]] = []

    class Places(libcst.CSTVisitor):
        METADATA_DEPENDENCIES = (PositionProvider,)

        def on_visit(self, node: libcst.CSTNode) -> bool:
            if isinstance(node, libcst.Annotation | libcst.Import | libcst.ImportFrom):
                return False  # what nothing depends on at run time, or everything
            found.append((node, self.get_metadata(PositionProvider, node).start.line))
            return True

    wrapper.visit(Places())
    for kind, operator in mutation_operators:
        name = operator.__name__.removeprefix("operator_").replace("_", "-")
        if operator.__name__ in _NOT_TAKEN:
            continue
        for node, line in found:
            if isinstance(node, kind):
                for new in operator(node):
                    changed = wrapper.module.deep_replace(node, new)
                    assert isinstance(changed, libcst.Module)
                    yield name, line, changed.code
