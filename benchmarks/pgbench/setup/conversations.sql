-- A conversation for each of 64 clients, with the last ten messages there already.
DO $$
DECLARE
    caller integer;
    exchange integer;
    turn uuid;
    token uuid := uuidv7();
BEGIN
    FOR caller IN 0 .. 63 LOOP
        FOR exchange IN 1 .. 5 LOOP
            turn := uuidv7();
            PERFORM chatcore.begin_turn(
                in_owner => 'bench-' || caller, in_conversation => lpad(to_hex(caller), 32, '0')::uuid,
                in_new_conversation => true, in_title => 'Balance', in_turn => turn, in_question_id => uuidv7(),
                in_reply_id => uuidv7(), in_question => 'How does a humanoid robot keep its balance?',
                in_selected_text => NULL, in_key => NULL, in_fingerprint => sha256('q'), in_replaces => NULL,
                in_window => 5, in_token => token, in_seconds => 30
            );
            PERFORM chatcore.finish_turn(
                'bench-' || caller, lpad(to_hex(caller), 32, '0')::uuid, turn, token, 'completed',
                repeat('answer ', 64), 250, 112, false, 'stub', NULL, NULL, NULL
            );
        END LOOP;
    END LOOP;
END
$$;
