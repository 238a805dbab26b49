"""Writes what people read about the settings from the settings themselves: `.env.example`, the README's table.

`python -m entrypoints.settings_docs` writes both files anew; a test holds them to it.
"""

import re
from pathlib import Path

from entrypoints.settings import Described, described

ROOT = Path(__file__).parents[1]
TABLE = re.compile(r"(?<=<!-- settings -->\n).*(?=<!-- end of settings -->)", re.DOTALL)
_HEAD = """# Settings, all of them optional. Copy this file to .env for development; it is not read in production.
# Each secret may also lie in a file that the variable with _FILE at its end names.
# Limits that can be switched off are switched off by: off
"""


def dotenv_example() -> str:
    """Return `.env.example`: every variable with its meaning and default, commented out."""
    return "\n".join([_HEAD, *(_commented(known) for known in described())])


def readme_table() -> str:
    """Return the table of settings in Markdown."""
    rows = [
        f"| `{known.variable.name}` | {known.variable.meaning}{' (or `off`)' if known.switchable else ''} "
        f"| {_default(known)} |\n"
        for known in described()
    ]
    return "".join(["| variable | meaning | default |\n", "|---|---|---|\n", *rows])


def _commented(known: Described) -> str:
    meaning = known.variable.meaning
    sentence = meaning if meaning.startswith("`") else meaning[0].upper() + meaning[1:]
    default = known.default_in_words.replace("`", "")
    worded = bool(known.variable.default)
    lines = [f"# {sentence.replace('`', '')}."]
    if worded:
        lines.append(f"# Unset: {default}.")
    lines.append(f"#{known.variable.name}={'' if worded else default}\n")
    return "\n".join(lines)


def _default(known: Described) -> str:
    words = known.default_in_words
    return words if known.variable.default or not words else f"`{words}`"


def main() -> None:
    """Write both files."""
    (ROOT / ".env.example").write_text(dotenv_example(), encoding="utf-8")
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(TABLE.sub(lambda _: readme_table(), text), encoding="utf-8")


if __name__ == "__main__":
    main()
