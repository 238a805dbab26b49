"""The domain knows the standard library and nothing else."""

import sys

import grimp


def test_the_domain_imports_only_the_standard_library() -> None:
    graph = grimp.build_graph("chatcore", include_external_packages=True)
    ours = {module for module in graph.modules if module.split(".")[0] == "chatcore"}
    imported = {name for module in ours for name in graph.find_modules_directly_imported_by(module)} - ours
    assert "dataclasses" in imported, "without any import from outside this test would be blind"
    assert imported - sys.stdlib_module_names == set()


def test_the_domain_never_touches_the_operating_system() -> None:
    graph = grimp.build_graph("chatcore", include_external_packages=True)
    assert (
        graph.modules & {"os", "io", "pathlib", "socket", "subprocess", "logging", "random", "secrets"} == set()
    )
