-- Records a question and reads its history, or says what stands in the way. Every refusal comes before the
-- first write, and gives back what was counted of a rate. Places of rates are locked first, the owner's before
-- the address's, then the conversation, as in every function, then the day: so that none waits in a ring.
CREATE OR REPLACE FUNCTION chatcore.begin_turn(
    in_owner text, in_conversation uuid, in_new_conversation boolean, in_title text,
    in_turn uuid, in_question_id uuid, in_reply_id uuid, in_question text, in_selected_text text,
    in_key text, in_fingerprint bytea, in_replaces uuid, in_window integer,
    in_token uuid, in_seconds double precision,
    in_rate integer DEFAULT NULL, in_rate_seconds integer DEFAULT NULL,
    in_address text DEFAULT NULL, in_address_rate integer DEFAULT NULL, in_address_seconds integer DEFAULT NULL,
    in_prompt_tokens bigint DEFAULT 0, in_reply_tokens bigint DEFAULT 0, in_daily_tokens bigint DEFAULT NULL,
    OUT verdict text, OUT attempt integer, OUT question text, OUT selected_text text,
    OUT questions text[], OUT answers text[], OUT turn chatcore.turn_facts,
    OUT wait double precision, OUT remaining integer, OUT reset double precision
)
LANGUAGE plpgsql
AS $$
DECLARE
    known chatcore.turn;
    live chatcore.turn;
    replaced chatcore.turn;
    next_number integer;
    remembered bigint;
    fresh boolean := false;
    today date;
    reserve bigint := 0;
    charge record;
    place integer;
    address_place integer;
BEGIN
    -- Told how long a conversation is, the planner finds the plan that it keeps too dear and makes another, no
    -- better, each time: at a million messages a sixth of the time of this statement.
    PERFORM set_config('chatcore.owner', in_owner, true), set_config('lock_timeout', '2s', true),
            set_config('plan_cache_mode', 'force_generic_plan', true);
    attempt := 1;
    question := in_question;
    selected_text := in_selected_text;

    IF in_key IS NULL THEN
        SELECT * INTO known FROM chatcore.turn AS t WHERE t.owner = in_owner AND t.id = in_turn;
    ELSE
        SELECT * INTO known FROM chatcore.turn AS t WHERE t.owner = in_owner AND t.key = in_key;
    END IF;
    IF FOUND THEN
        IF known.lease_token = in_token AND known.ended_at IS NULL
           AND NOT chatcore.lease_is_dead(known.lease_until) THEN
            -- The answer to our own COMMIT was lost.
            verdict := 'opened';
            turn.conversation_id := known.conversation_id;
            selected_text := known.selected_text;
            SELECT o.question, o.questions, o.answers INTO question, questions, answers
              FROM chatcore.opening_of_turn(in_owner, known, in_window) AS o;
        ELSE
            verdict := 'key taken';
            turn := chatcore.facts_of_turn(in_owner, known.id);
        END IF;
        RETURN;
    END IF;

    IF in_daily_tokens IS NOT NULL THEN
        today := (clock_timestamp() AT TIME ZONE 'UTC')::date;
        PERFORM
           FROM chatcore.token_day AS d
          WHERE d.owner = in_owner
            AND d.day = today
            AND NOT chatcore.spendable(in_prompt_tokens + in_reply_tokens, in_daily_tokens, d.spent, d.reserved);
        IF FOUND THEN
            verdict := 'spent';
            wait := chatcore.seconds_left(today);
            RETURN;
        END IF;
    END IF;

    IF in_rate IS NOT NULL THEN
        charge := chatcore.charge_rate(in_owner, in_rate, in_rate_seconds);
        IF charge.place IS NULL THEN
            verdict := 'limited';
            wait := charge.wait;
            RETURN;
        END IF;
        place := charge.place;
        remaining := charge.remaining;
        reset := charge.reset;
    END IF;
    <<recording>>
    BEGIN
        IF in_address IS NOT NULL THEN
            charge := chatcore.charge_rate(in_address, in_address_rate, in_address_seconds);
            PERFORM set_config('chatcore.owner', in_owner, true);
            IF charge.place IS NULL THEN
                verdict := 'limited';
                wait := charge.wait;
                EXIT recording;
            END IF;
            address_place := charge.place;
        END IF;

        PERFORM
           FROM chatcore.conversation AS c
          WHERE c.owner = in_owner
            AND c.id = in_conversation
            FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            IF in_replaces IS NOT NULL OR NOT in_new_conversation THEN
                verdict := CASE WHEN in_new_conversation THEN 'no turn' ELSE 'no conversation' END;
                EXIT recording;
            END IF;
            fresh := true;
            INSERT INTO chatcore.app_user (owner) VALUES (in_owner) ON CONFLICT DO NOTHING;
            INSERT INTO chatcore.conversation (owner, id, title)
            VALUES (in_owner, in_conversation, in_title)
                ON CONFLICT DO NOTHING;
            IF NOT FOUND THEN
                -- Somebody else made it just now.
                PERFORM
                   FROM chatcore.conversation AS c
                  WHERE c.owner = in_owner
                    AND c.id = in_conversation
                    FOR NO KEY UPDATE;
                IF NOT FOUND THEN
                    RAISE 'conversation came and went' USING ERRCODE = 'serialization_failure';
                END IF;
            END IF;
        END IF;

        IF in_replaces IS NOT NULL THEN
            SELECT * INTO replaced
              FROM chatcore.turn AS t
             WHERE t.owner = in_owner
               AND t.id = in_replaces;
            IF NOT FOUND OR replaced.conversation_id <> in_conversation THEN
                verdict := 'no turn';
                EXIT recording;
            END IF;
        END IF;

        SELECT * INTO live
          FROM chatcore.turn AS t
         WHERE t.owner = in_owner
           AND t.conversation_id = in_conversation
           AND t.ended_at IS NULL
           FOR NO KEY UPDATE;
        IF FOUND THEN
            IF NOT chatcore.lease_is_dead(live.lease_until) THEN
                -- It may have been begun under our own key, or by ourselves, while we waited for the lock.
                IF live.lease_token = in_token THEN
                    verdict := 'opened';
                    turn.conversation_id := in_conversation;
                    selected_text := live.selected_text;
                    SELECT o.question, o.questions, o.answers INTO question, questions, answers
                      FROM chatcore.opening_of_turn(in_owner, live, in_window) AS o;
                ELSE
                    verdict := CASE WHEN live.key = in_key THEN 'key taken' ELSE 'occupied' END;
                    turn := chatcore.facts_of_turn(in_owner, live.id);
                END IF;
                EXIT recording;
            END IF;
            PERFORM chatcore.interrupt_turn(in_owner, live.id);
        END IF;

        -- What the last turn cost is what this one's prompt begins with, unless a selected text isolates it.
        SELECT t.number + 1,
               CASE WHEN in_selected_text IS NULL
                    THEN coalesce(t.input_tokens + t.output_tokens, t.prompt_tokens)
               END
          INTO next_number, remembered
          FROM chatcore.turn AS t
         WHERE t.owner = in_owner
           AND t.conversation_id = in_conversation
         ORDER BY t.number DESC
         LIMIT 1;
        next_number := coalesce(next_number, 1);
        IF today IS NOT NULL THEN
            reserve := in_prompt_tokens + coalesce(remembered, 0) + in_reply_tokens;
            IF NOT chatcore.reserve_tokens(in_owner, today, reserve, in_daily_tokens) THEN
                IF fresh THEN
                    RAISE 'the last tokens went to another question' USING ERRCODE = 'serialization_failure';
                END IF;
                verdict := 'spent';
                wait := chatcore.seconds_left(today);
                EXIT recording;
            END IF;
        END IF;

        IF in_replaces IS NOT NULL THEN
            UPDATE chatcore.turn AS t
               SET active = false
             WHERE t.owner = in_owner
               AND t.conversation_id = in_conversation
               AND t.number >= replaced.number
               AND t.active;
            IF in_question IS NULL THEN
                selected_text := replaced.selected_text;
                SELECT m.content INTO question
                  FROM chatcore.message AS m
                 WHERE m.owner = in_owner
                   AND m.conversation_id = in_conversation
                   AND m.position = 2 * replaced.number - 1;
            END IF;
        END IF;

        INSERT INTO chatcore.turn (
            owner, id, conversation_id, number, status, replaces, key, fingerprint, question_id, reply_id,
            selected_text, lease_token, lease_until, prompt_tokens, reserved, budget_day
        ) VALUES (
            in_owner, in_turn, in_conversation, next_number, 'pending', in_replaces, in_key, in_fingerprint,
            in_question_id, in_reply_id, selected_text, in_token, clock_timestamp() + in_seconds * interval '1 s',
            in_prompt_tokens + coalesce(remembered, 0), reserve, today
        );
        INSERT INTO chatcore.message (owner, conversation_id, position, id, role, content)
        VALUES (in_owner, in_conversation, 2 * next_number - 1, in_question_id, 'user', question);

        verdict := 'opened';
        turn.conversation_id := in_conversation;
        SELECT h.questions, h.answers INTO questions, answers
          FROM chatcore.history_before(in_owner, in_conversation, next_number, in_window) AS h;
        RETURN;
    END;

    -- A question that was not recorded costs nothing.
    remaining := NULL;
    IF place IS NOT NULL THEN
        PERFORM chatcore.refund_rate(in_owner, in_rate, in_rate_seconds, place);
    END IF;
    IF address_place IS NOT NULL THEN
        PERFORM chatcore.refund_rate(in_address, in_address_rate, in_address_seconds, address_place);
    END IF;
END
$$;
