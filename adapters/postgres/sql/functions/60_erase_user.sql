-- Forgets of a user as much as one statement should: some conversations or, where those were the last, the
-- user with everything else. Returns whether there was anything, and whether there may be more. Conversations
-- go first, so that locks are taken in the order in which a turn that ends takes them. Every row hangs on the
-- user but the rates, which may be asked of somebody who is not known yet.
CREATE OR REPLACE FUNCTION chatcore.erase_user(
    in_owner text, in_most integer, OUT anything boolean, OUT more boolean
)
LANGUAGE plpgsql
AS $$
DECLARE
    gone integer;
BEGIN
    PERFORM set_config('chatcore.owner', in_owner, true), set_config('lock_timeout', '2s', true);
    DELETE FROM chatcore.conversation AS c
     WHERE c.owner = in_owner
       AND c.id IN (SELECT o.id
                      FROM chatcore.conversation AS o
                     WHERE o.owner = in_owner
                     ORDER BY o.id
                     LIMIT in_most);
    GET DIAGNOSTICS gone = ROW_COUNT;
    anything := gone > 0;
    more := gone = in_most;
    IF more THEN
        RETURN;
    END IF;
    DELETE FROM chatcore.rate_bucket AS b WHERE b.owner = in_owner;
    DELETE FROM chatcore.app_user AS u WHERE u.owner = in_owner;
    anything := anything OR FOUND;
END
$$;
