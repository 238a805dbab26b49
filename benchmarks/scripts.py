"""Scripts for pgbench, in which `turns/begin <- (…)` stands for the statement that the store sends.

Between the brackets is an SQL expression per line for each parameter, what follows ` -- ` being a remark. The
statements are those that are shipped, so that nothing else is measured when they change.
"""

import re
from pathlib import Path
from typing import Final

SHIPPED: Final = Path(__file__).parent.parent / "adapters" / "postgres" / "sql"
_CALL: Final = re.compile(r"^(\S+) <- \(\n(.*?)\n\)", re.MULTILINE | re.DOTALL)
_PARAMETER: Final = re.compile(r"\$(\d+)")


def script(path: Path) -> str:
    """Return a script with every statement written out.

    Raises:
        ValueError: a statement has other parameters than the script gives.

    """
    return _CALL.sub(_written_out, path.read_text())


def _written_out(call: re.Match[str]) -> str:
    sql = (SHIPPED / f"{call[1]}.sql").read_text().strip()
    given = [line.partition(" -- ")[0].strip() for line in call[2].splitlines()]
    taken = {int(number) for number in _PARAMETER.findall(sql)}
    if taken != set(range(1, len(given) + 1)):
        raise ValueError(f"{call[1]} takes {len(taken)} parameters and was given {len(given)}")
    return _PARAMETER.sub(lambda parameter: given[int(parameter[1]) - 1], sql)
