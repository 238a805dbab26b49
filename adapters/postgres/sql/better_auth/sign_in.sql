-- One session of Better Auth by its token, which is unique; the user is joined so that a session whose user
-- is gone opens nothing. Ids are text, or integers or UUIDs where Better Auth was told so.
SELECT s."userId"::text, s."expiresAt"
  FROM "session" AS s
  JOIN "user" AS u ON u.id = s."userId"
 WHERE s.token = $1
