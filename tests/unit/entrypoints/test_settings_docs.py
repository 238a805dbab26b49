"""What people read about the settings is what the settings are."""

import re
from pathlib import Path

from dotenv import dotenv_values

from entrypoints.settings import described
from entrypoints.settings_docs import ROOT, TABLE, dotenv_example, readme_table


def test_the_example_file_is_up_to_date() -> None:
    assert (ROOT / ".env.example").read_text() == dotenv_example(), "run: make docs"


def test_the_readme_is_up_to_date() -> None:
    found = TABLE.search((ROOT / "README.md").read_text())
    assert found is not None
    assert found[0] == readme_table(), "run: make docs"


def test_the_example_file_sets_nothing_and_names_everything(tmp_path: Path) -> None:
    example = tmp_path / "example"
    example.write_text(dotenv_example())
    assert dotenv_values(example) == {}
    example.write_text(re.sub(r"^#(?=[A-Z_]+=)", "", dotenv_example(), flags=re.MULTILINE))
    assert list(dotenv_values(example)) == [known.variable.name for known in described()]


def test_every_setting_of_the_example_is_what_it_would_be_anyway(tmp_path: Path) -> None:
    example = tmp_path / "example"
    example.write_text(re.sub(r"^#(?=[A-Z_]+=)", "", dotenv_example(), flags=re.MULTILINE))
    given = {name: value for name, value in dotenv_values(example).items() if value}
    for known in described():
        if known.variable.name in given:
            assert given[known.variable.name] == known.default_in_words
