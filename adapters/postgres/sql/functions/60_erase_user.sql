-- Forgets everything of a user, and returns whether there was anything. Every row hangs on the user but the
-- rates, which may be asked of somebody who is not known yet.
CREATE OR REPLACE FUNCTION chatcore.erase_user(in_owner text) RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM set_config('chatcore.owner', in_owner, true), set_config('lock_timeout', '2s', true);
    DELETE FROM chatcore.rate_bucket AS b WHERE b.owner = in_owner;
    DELETE FROM chatcore.app_user AS u WHERE u.owner = in_owner;
    RETURN FOUND;
END
$$;
