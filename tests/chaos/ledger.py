"""What the clients were promised, and what the database has: the difference is the result."""

from dataclasses import dataclass, field

import psycopg

Row = tuple[str, str, str, int, str, str, str, str | None]

RESULTS = """
SELECT t.id::text, t.owner, t.conversation_id::text, t.number, t.status, t.key, q.content, r.content
FROM chatcore.turn AS t
LEFT JOIN chatcore.message AS q ON q.owner = t.owner AND q.id = t.question_id
LEFT JOIN chatcore.message AS r ON r.owner = t.owner AND r.id = t.reply_id
ORDER BY t.owner, t.conversation_id, t.number
"""


@dataclass(kw_only=True)
class Promise:
    """One question of a client, and what it was told.

    `place` is its conversation, or its session. `to_cancel`: its client will wish it cancelled, `wished`: it
    has. `settled`: its client has an answer that is final, after so many `seconds`.
    """

    owner: str
    key: str
    message: str
    to_cancel: bool = False
    wished: bool = False
    settled: bool = False
    seconds: float = 0.0
    turn_id: str | None = None
    place: str = ""
    reply: str | None = None
    problems: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Findings:
    """How often a promise was broken, each of which must be 0."""

    acknowledged: int = 0
    completed: int = 0
    cancelled: int = 0
    lost: int = 0
    duplicated: int = 0
    stuck: int = 0
    gaps: int = 0
    mismatches: int = 0
    details: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.duplicated or self.stuck or self.gaps or self.mismatches)

    def summary(self) -> str:
        return (
            f"lost {self.lost}, duplicated {self.duplicated}, stuck {self.stuck}, "
            f"gaps {self.gaps}, mismatches {self.mismatches}"
        )


def compare(url: str, promises: list[Promise]) -> Findings:
    """Hold every promise against the database, read as its superuser."""
    with psycopg.connect(url) as connection:
        rows: list[Row] = connection.execute(RESULTS).fetchall()
    findings = Findings(acknowledged=sum(promise.turn_id is not None for promise in promises))
    turns = {(row[1], row[5]): row for row in rows}
    findings.duplicated = len(rows) - len(turns)
    questions = [row[6] for row in rows]
    findings.duplicated += len(questions) - len(set(questions))
    for promise in promises:
        _hold(promise, turns, findings)
    _number(rows, findings)
    return findings


def _hold(promise: Promise, turns: dict[tuple[str, str], Row], findings: Findings) -> None:
    findings.mismatches += len(promise.problems)
    findings.details += promise.problems
    row = turns.get((promise.owner, promise.key))
    if row is None:
        if promise.turn_id is not None:
            findings.lost += 1
            findings.details.append(f"lost: {promise}")
        return
    turn_id, _, _, _, status, _, question, reply = row
    if promise.turn_id not in {None, turn_id}:
        findings.duplicated += 1
        findings.details.append(f"two turns for one key: {promise} {turn_id}")
    if status in {"pending", "streaming"}:
        findings.stuck += 1
        findings.details.append(f"stuck: {promise} {status}")
    if question != promise.message or (promise.reply is not None and reply != promise.reply):
        findings.mismatches += 1
        findings.details.append(f"mismatch: {promise} {question!r} {reply!r}")
    findings.completed += status == "completed"
    findings.cancelled += status == "cancelled"
    if status == "cancelled" and not promise.wished:
        findings.mismatches += 1
        findings.details.append(f"cancelled by nobody: {promise}")


def _number(rows: list[Row], findings: Findings) -> None:
    expected: dict[tuple[str, str], int] = {}
    for row in rows:
        place = row[1], row[2]
        expected[place] = expected.get(place, 0) + 1
        if row[3] != expected[place]:
            findings.gaps += 1
            findings.details.append(f"gap: turn {row[3]} of {place} in place of {expected[place]}")
            expected[place] = row[3]
