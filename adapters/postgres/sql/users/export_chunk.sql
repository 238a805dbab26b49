SELECT turn_id, attempt, ends_at, content
  FROM chatcore.turn_chunk
 WHERE owner = %(owner)s
   AND (turn_id, attempt, ends_at) > (%(turn_id)s, %(attempt)s, %(ends_at)s)
 ORDER BY turn_id, attempt, ends_at
 LIMIT %(page)s
