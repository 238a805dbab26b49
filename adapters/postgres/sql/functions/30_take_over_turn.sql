-- Begins the next attempt of a turn that failed retryably or was interrupted, judged on the locked row.
CREATE OR REPLACE FUNCTION chatcore.take_over_turn(
    in_owner text, in_turn uuid, in_token uuid, in_seconds double precision, in_window integer,
    in_most_attempts integer,
    OUT verdict text, OUT attempt integer, OUT question text, OUT selected_text text,
    OUT questions text[], OUT answers text[], OUT turn chatcore.turn_facts
)
LANGUAGE plpgsql
AS $$
DECLARE
    known chatcore.turn;
    live chatcore.turn;
    ours boolean;
    dead boolean;
BEGIN
    PERFORM set_config('chatcore.owner', in_owner, true), set_config('lock_timeout', '2s', true);
    verdict := 'no turn';

    -- The conversation is locked before any of its turns, here as everywhere.
    PERFORM
       FROM chatcore.conversation AS c
      WHERE c.owner = in_owner
        AND c.id = (SELECT t.conversation_id
                      FROM chatcore.turn AS t
                     WHERE t.owner = in_owner
                       AND t.id = in_turn)
        FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT * INTO known
      FROM chatcore.turn AS t
     WHERE t.owner = in_owner
       AND t.id = in_turn
       FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;

    dead := known.ended_at IS NULL AND chatcore.lease_is_dead(known.lease_until);
    -- The answer to our own COMMIT was lost.
    ours := known.ended_at IS NULL AND NOT dead AND known.lease_token = in_token;
    IF NOT ours THEN
        IF known.attempt >= in_most_attempts
           OR NOT (dead OR known.status = 'interrupted' OR (known.status = 'failed' AND known.failure_retryable))
        THEN
            verdict := 'key taken';
            turn := chatcore.facts_of_turn(in_owner, in_turn);
            RETURN;
        END IF;
        SELECT * INTO live
          FROM chatcore.turn AS t
         WHERE t.owner = in_owner
           AND t.conversation_id = known.conversation_id
           AND t.ended_at IS NULL
           AND t.id <> in_turn
           FOR NO KEY UPDATE;
        IF FOUND THEN
            IF NOT chatcore.lease_is_dead(live.lease_until) THEN
                verdict := 'occupied';
                turn := chatcore.facts_of_turn(in_owner, live.id);
                RETURN;
            END IF;
            PERFORM chatcore.interrupt_turn(in_owner, live.id);
        END IF;
        IF dead THEN
            PERFORM chatcore.write_off_attempt(in_owner, known);
        END IF;
        IF known.budget_day IS NOT NULL THEN
            -- What was begun is gone on with, whatever is left of the day.
            known.budget_day := (clock_timestamp() AT TIME ZONE 'UTC')::date;
            INSERT INTO chatcore.token_day AS d (owner, day, reserved)
            VALUES (in_owner, known.budget_day, known.reserved)
                ON CONFLICT (owner, day) DO UPDATE
               SET reserved = d.reserved + excluded.reserved;
        END IF;
        DELETE FROM chatcore.turn_chunk AS c WHERE c.owner = in_owner AND c.turn_id = in_turn;
        UPDATE chatcore.turn AS t
           SET status = 'pending', attempt = t.attempt + 1, lease_token = in_token,
               lease_until = clock_timestamp() + in_seconds * interval '1 s', cancel_wished = false,
               budget_day = known.budget_day,
               failure_code = NULL, failure_retryable = NULL, ended_at = NULL
         WHERE t.owner = in_owner
           AND t.id = in_turn
        RETURNING * INTO known;
    END IF;

    verdict := 'opened';
    attempt := known.attempt;
    selected_text := known.selected_text;
    -- The lease needs the conversation, which the caller does not know.
    turn.conversation_id := known.conversation_id;
    SELECT o.question, o.questions, o.answers INTO question, questions, answers
      FROM chatcore.opening_of_turn(in_owner, known, in_window) AS o;
END
$$;
