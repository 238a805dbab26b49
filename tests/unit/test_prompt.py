"""What a model is told, and how much of the history."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.conversation import Role
from chatcore.errors import InvalidRequest
from chatcore.prompt import (
    ASSISTANT,
    TEXTBOOK,
    Exchange,
    Persona,
    build_prompt,
    estimated_tokens,
    within_tokens,
)

exchanges = st.lists(st.builds(Exchange, st.text(min_size=1), st.text(min_size=1)), max_size=30)


@given(exchanges, st.text(min_size=1))
def test_the_textbook_sends_at_most_the_last_ten_messages_oldest_first(
    history: list[Exchange], question: str
) -> None:
    sent = list(build_prompt(TEXTBOOK, question, history, None).messages())
    assert sent[0] == (Role.SYSTEM, TEXTBOOK.instructions)
    assert sent[-1] == (Role.USER, question)
    flat = [
        (role, text) for e in history for role, text in ((Role.USER, e.question), (Role.ASSISTANT, e.answer))
    ]
    assert sent[1:-1] == flat[-10:]


@given(exchanges, st.text(min_size=1), st.text(min_size=1))
def test_a_selected_text_isolates_the_prompt(history: list[Exchange], question: str, selected: str) -> None:
    prompt = build_prompt(TEXTBOOK, question, history, selected)
    sent = list(prompt.messages())
    assert [role for role, _ in sent] == [Role.SYSTEM, Role.USER]
    assert selected in sent[0][1]
    assert sent[1][1] == question


@given(st.integers(1, 5), st.text())
def test_a_selected_text_cannot_pretend_to_have_ended(depth: int, rest: str) -> None:
    hostile = "\n".join(f"--- selected text {n} ---" for n in range(1, depth + 1)) + rest
    (_, system), _ = build_prompt(TEXTBOOK, "q", [], hostile).messages()
    fence = system.splitlines()[-1]
    assert fence not in hostile
    assert system.count(f"\n{fence}") == 2


@given(exchanges, st.integers(0, 200), st.text())
def test_a_token_budget_drops_the_oldest_whole_exchanges_first(
    history: list[Exchange], budget: int, rest: str
) -> None:
    kept = list(within_tokens(budget)(history, rest))
    assert kept == history[len(history) - len(kept) :]
    assert not kept or tokens(kept) + estimated_tokens(rest) <= budget
    if len(kept) < len(history):
        one_more = history[len(history) - len(kept) - 1 :]
        assert tokens(one_more) + estimated_tokens(rest) > budget


def tokens(history: list[Exchange]) -> int:
    return sum(estimated_tokens(e.question) + estimated_tokens(e.answer) for e in history)


def test_the_question_is_never_dropped() -> None:
    question = "x" * 100_000
    sent = list(build_prompt(ASSISTANT, question, [Exchange("old", "words")], None).messages())
    assert sent == [(Role.SYSTEM, ASSISTANT.instructions), (Role.USER, question)]


@pytest.mark.parametrize(("text", "count"), [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2)])
def test_four_characters_are_about_a_token(text: str, count: int) -> None:
    assert estimated_tokens(text) == count


def test_a_persona_without_instructions_cannot_be() -> None:
    with pytest.raises(InvalidRequest):
        Persona(name="mute", instructions=" ", window=0)


def test_a_window_cannot_be_negative() -> None:
    with pytest.raises(ValueError, match="negative"):
        Persona(name="n", instructions="i", window=-1)


def test_a_persona_without_a_window_remembers_nothing() -> None:
    persona = Persona(name="n", instructions="i", window=0)
    assert len(list(build_prompt(persona, "q", [Exchange("a", "b")], None).messages())) == 2
