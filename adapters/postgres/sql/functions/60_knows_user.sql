-- Returns whether anything is stored of a user.
CREATE OR REPLACE FUNCTION chatcore.knows_user(in_owner text) RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM set_config('chatcore.owner', in_owner, true);
    RETURN EXISTS (SELECT FROM chatcore.app_user AS u WHERE u.owner = in_owner);
END
$$;
