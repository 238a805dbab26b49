"""Bugs to be seeded into the functions, each with the contract's test that has to notice it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.contract.conversation_store import test_conversations, test_messages
from tests.contract.stores import Stores
from tests.contract.turn_store import (
    test_begin,
    test_budgets,
    test_finish,
    test_history,
    test_isolation,
    test_leases,
    test_ledger,
    test_rates,
    test_reading,
    test_take_over,
)
from tests.contract.turns import ANSWER
from tests.integration.postgres.locks import (
    of_questions_under_one_key_that_waited_one_is_recorded,
    of_takeovers_that_waited_for_the_turn_one_succeeds,
)

Test = Callable[[Stores], Awaitable[None]]
FENCE = "\n       AND t.lease_token = in_token"
LIVE = "\n       AND t.status IN ('pending', 'streaming')"
UNEXPIRED = "\n       AND NOT chatcore.lease_is_dead(t.lease_until)"


@dataclass(frozen=True)
class Bug:
    """What is replaced by what in which function, wherever it occurs, and who notices."""

    function: str
    right: str
    wrong: str
    noticed_by: Test


def lost(how: str) -> Test:
    return lambda stores: test_leases.test_a_lost_lease_writes_nothing(stores, test_leases.LOSSES[how])


def forged(field: str, value: object) -> Test:
    return lambda stores: test_leases.test_a_forged_lease_writes_nothing(stores, {field: value})


def listed(limit: int) -> Test:
    return lambda stores: test_conversations.test_they_are_listed_newest_first_page_by_page(stores, limit)


def paged(stores: Stores) -> Awaitable[None]:
    return test_messages.test_the_newest_page_comes_first_and_ascends(stores, 3, ["CdD", "bBc", "aA"])


def windowed(stores: Stores) -> Awaitable[None]:
    return test_history.test_it_is_the_newest_exchanges_oldest_first(stores, 3, "bcd")


def repeated(stores: Stores) -> Awaitable[None]:
    return test_begin.test_the_same_claim_again_is_answered_as_before(stores, "k")


def ended_for_good(stores: Stores) -> Awaitable[None]:
    return test_take_over.test_what_ended_for_good_is_told_and_not_begun_again(stores, ANSWER)


TAKEN_OVER = "the turn was taken over"
# That begin locks its conversation is not among them: unique indexes stand behind that lock, and without it
# the same is recorded, by way of a repetition.
BUGS = {
    "begin does not see its own claim": Bug("30_begin_turn", "known.lease_token = in_token", "false", repeated),
    "begin takes any claim for its own": Bug(
        "30_begin_turn",
        "known.lease_token = in_token",
        "true",
        test_begin.test_the_same_turn_under_another_claim_is_not_begun_again,
    ),
    "begin does not see a key that was taken while it waited": Bug(
        "30_begin_turn",
        "CASE WHEN live.key = in_key THEN 'key taken' ELSE 'occupied' END",
        "'occupied'",
        of_questions_under_one_key_that_waited_one_is_recorded,
    ),
    "begin is stopped by the dead": Bug(
        "30_begin_turn",
        "IF NOT chatcore.lease_is_dead(live.lease_until)",
        "IF true",
        test_begin.test_a_dead_turn_does_not_occupy_its_conversation,
    ),
    "begin takes the living for dead": Bug(
        "30_begin_turn",
        "IF NOT chatcore.lease_is_dead(live.lease_until)",
        "IF false",
        test_begin.test_a_live_turn_occupies_its_conversation_and_nothing_is_written,
    ),
    "begin opens conversations unasked": Bug(
        "30_begin_turn",
        "OR NOT in_new_conversation",
        "",
        test_begin.test_a_conversation_that_does_not_exist_is_not_opened_unasked,
    ),
    "begin replaces turns of other conversations": Bug(
        "30_begin_turn",
        " OR replaced.conversation_id <> in_conversation",
        "",
        test_begin.test_a_turn_to_be_replaced_must_exist,
    ),
    "the replaced turn itself stays on the active path": Bug(
        "30_begin_turn",
        "t.number >= replaced.number",
        "t.number > replaced.number",
        test_history.test_a_replaced_turn_and_all_after_it_leave_the_active_path,
    ),
    "a question asked again loses its selected text": Bug(
        "30_begin_turn",
        "selected_text := replaced.selected_text",
        "selected_text := NULL",
        test_history.test_a_question_asked_again_keeps_its_selected_text,
    ),
    "history has what was replaced": Bug(
        "20_history_before",
        "AND t.active",
        "",
        test_history.test_after_a_replacement_the_conversation_goes_on_from_it,
    ),
    "history has what was not answered": Bug(
        "20_history_before", "AND t.answered", "", test_history.test_what_was_not_answered_is_not_in_it
    ),
    "history has what comes after": Bug(
        "20_history_before",
        "AND t.number < in_number",
        "",
        test_history.test_an_earlier_turn_taken_over_sees_only_what_came_before_it,
    ),
    "history has the oldest": Bug("20_history_before", "t.number DESC", "t.number", windowed),
    "take over resurrects what has just been completed": Bug(
        "30_take_over_turn", "(dead OR ", "(true OR ", ended_for_good
    ),
    "take over does not lock": Bug(
        "30_take_over_turn", "FOR NO KEY UPDATE", "", of_takeovers_that_waited_for_the_turn_one_succeeds
    ),
    "take over passes a live turn": Bug(
        "30_take_over_turn",
        "IF NOT chatcore.lease_is_dead(live.lease_until)",
        "IF false",
        test_take_over.test_another_live_turn_of_the_conversation_stands_in_the_way,
    ),
    "take over never ends": Bug(
        "30_take_over_turn",
        "known.attempt >= in_most_attempts",
        "false",
        test_take_over.test_a_turn_whose_attempts_are_used_up_is_told_and_not_begun_again,
    ),
    "take over keeps what was said": Bug(
        "30_take_over_turn",
        "DELETE FROM chatcore.turn_chunk AS c WHERE c.owner = in_owner AND c.turn_id = in_turn;",
        "",
        test_take_over.test_what_the_last_attempt_said_is_gone,
    ),
    "take over keeps the wish to cancel": Bug(
        "30_take_over_turn",
        "cancel_wished = false",
        "cancel_wished = t.cancel_wished",
        test_take_over.test_an_old_wish_to_cancel_does_not_stop_the_new_attempt,
    ),
    "give up leaves the token": Bug(
        "30_give_up_turn",
        ",\n           lease_token = NULL",
        "",
        test_take_over.test_whoever_failed_at_a_turn_that_was_given_up_cannot_write_any_more,
    ),
    "give up takes anything": Bug(
        "30_give_up_turn",
        "(t.status = 'interrupted'",
        "(true",
        test_take_over.test_what_is_live_or_has_ended_is_not_given_up,
    ),
    "checkpoint is not fenced": Bug("30_checkpoint_turn", FENCE, "", lost(TAKEN_OVER)),
    "checkpoint writes to what has ended": Bug(
        "30_checkpoint_turn", LIVE, "", test_leases.test_a_turn_that_ended_takes_no_more_pieces
    ),
    "checkpoint renews a dead lease": Bug("30_checkpoint_turn", UNEXPIRED, "", lost("it ran out")),
    "checkpoint renews by no time": Bug(
        "30_checkpoint_turn",
        "+ in_seconds * interval '1 s'",
        "",
        test_leases.test_a_checkpoint_renews_the_lease,
    ),
    "checkpoint cannot be repeated": Bug(
        "30_checkpoint_turn",
        "ON CONFLICT DO NOTHING",
        "",
        test_leases.test_the_same_checkpoint_again_keeps_its_piece_once,
    ),
    "finish is not fenced": Bug("30_finish_turn", FENCE, "", lost(TAKEN_OVER)),
    "finish takes any token for the one that ended the turn": Bug(
        "30_finish_turn",
        "\n            AND t.lease_token = in_token",
        "",
        lost("the turn was taken over and completed"),
    ),
    "finish ends what was given back": Bug(
        "30_finish_turn", LIVE, "", test_leases.test_a_released_lease_writes_nothing
    ),
    "finish ends what is dead": Bug("30_finish_turn", UNEXPIRED, "", lost("it ran out")),
    "finish keeps the checkpoints": Bug(
        "30_finish_turn",
        "DELETE FROM chatcore.turn_chunk AS c WHERE c.owner = in_owner AND c.turn_id = in_turn;",
        "",
        lambda stores: test_finish.test_its_checkpoints_are_gone(stores, ANSWER),
    ),
    "finish does not touch the conversation": Bug(
        "30_finish_turn",
        "SET updated_at = ended",
        "SET updated_at = c.updated_at",
        test_finish.test_the_conversation_is_touched,
    ),
    "finish forgets its own COMMIT": Bug(
        "30_finish_turn",
        "t.status IN ('completed', 'failed', 'cancelled')",
        "false",
        lambda stores: test_finish.test_a_lost_answer_may_be_asked_for_again(stores, ANSWER),
    ),
    "release is not fenced": Bug("30_release_turn", FENCE, "", lost(TAKEN_OVER)),
    "release cannot be repeated": Bug(
        "30_release_turn", "t.status = 'interrupted';", "false;", test_leases.test_a_turn_may_be_released_twice
    ),
    "the dead are told to be alive": Bug(
        "20_facts_of_turn",
        "t.ended_at IS NULL AND chatcore.lease_is_dead(t.lease_until)",
        "false",
        test_reading.test_a_turn_whose_lease_ran_out_is_interrupted_and_keeps_what_it_said,
    ),
    "a partial reply is told in disorder": Bug(
        "20_facts_of_turn",
        "ORDER BY c.ends_at",
        "ORDER BY c.ends_at DESC",
        test_reading.test_a_turn_whose_lease_ran_out_is_interrupted_and_keeps_what_it_said,
    ),
    "follow ignores the attempt": Bug(
        "30_follow_turn",
        "CASE turn.attempt WHEN in_attempt THEN in_offset ELSE 0 END",
        "in_offset",
        test_reading.test_a_follower_of_an_earlier_attempt_is_told_all_of_the_current_one,
    ),
    "messages repeat the last of a page": Bug(
        "40_list_messages", "m.position < in_before", "m.position <= in_before", paged
    ),
    "messages of the abandoned path are told": Bug(
        "40_list_messages",
        "(t.active OR in_replaced)",
        "true",
        test_messages.test_replaced_turns_are_told_only_where_they_are_wished,
    ),
    "conversations repeat the last of a page": Bug(
        "40_list_conversations", "c.id < in_before", "c.id <= in_before", listed(2)
    ),
    "a refused question is counted": Bug(
        "30_begin_turn",
        "IF place IS NOT NULL THEN",
        "IF false THEN",
        lambda stores: test_rates.test_what_is_refused_otherwise_costs_nothing(stores, "busy"),
    ),
    "a refused question is counted of its address": Bug(
        "30_begin_turn",
        "IF address_place IS NOT NULL THEN",
        "IF false THEN",
        lambda stores: test_rates.test_what_is_refused_otherwise_costs_nothing(stores, "no turn"),
    ),
    "a place of a rate never fills up": Bug(
        "20_charge_rate",
        "AND b.whole_at <= moment + period - share",
        "",
        test_rates.test_as_many_are_recorded_as_the_rate_says_and_nothing_of_the_next,
    ),
    "every place has the whole rate": Bug(
        "10_interval_of_rate",
        "/ chatcore.places_of_rate(in_requests)",
        "",
        lambda stores: test_rates.test_of_many_at_once_exactly_so_many_are_recorded(stores, 100),
    ),
    "nobody looks at what the day has left": Bug(
        "30_begin_turn",
        "AND NOT chatcore.spendable(",
        "AND false AND NOT chatcore.spendable(",
        test_budgets.test_what_is_spent_is_spent_until_midnight_and_nothing_is_written,
    ),
    "more is reserved than there is": Bug(
        "20_reserve_tokens",
        "AND chatcore.spendable(in_tokens, in_daily, d.spent, d.reserved)",
        "",
        test_budgets.test_a_long_history_is_refused_before_anything_is_written,
    ),
    "what was reserved stays so": Bug(
        "20_settle_turn",
        "d.reserved - in_turn.reserved",
        "d.reserved",
        test_budgets.test_sixteen_at_once_that_end_as_they_like_leave_nothing_reserved,
    ),
    "a takeover reserves nothing": Bug(
        "30_take_over_turn",
        "d.reserved + excluded.reserved",
        "d.reserved",
        test_budgets.test_a_takeover_reserves_again_whatever_is_left,
    ),
    "who finds the dead does not write them off": Bug(
        "20_interrupt_turn",
        "PERFORM chatcore.write_off_attempt(in_owner, dead);",
        "",
        lambda stores: test_ledger.test_an_attempt_that_died_leaves_one_estimated_line(
            stores, "the next question"
        ),
    ),
    "who takes over the dead does not write them off": Bug(
        "30_take_over_turn",
        "PERFORM chatcore.write_off_attempt(in_owner, known);",
        "",
        lambda stores: test_ledger.test_an_attempt_that_died_leaves_one_estimated_line(stores, "a takeover"),
    ),
}
ISOLATION: list[Test] = [
    test_isolation.test_the_same_ids_and_keys_mean_something_else_to_each_owner,
    test_isolation.test_what_one_does_leaves_the_other_untouched,
    test_isolation.test_a_question_cannot_be_put_into_another_owners_conversation,
    test_isolation.test_a_takeover_by_another_owner_does_not_fence_off_the_first,
]
