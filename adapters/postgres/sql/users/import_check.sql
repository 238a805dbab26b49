-- What no constraint says: a message belongs to a turn, every turn asks something, and answers it if completed.
SELECT 'a message of no turn'
  FROM chatcore.message AS m
 WHERE m.owner = %(owner)s
   AND NOT EXISTS (SELECT
                     FROM chatcore.turn AS t
                    WHERE t.owner = m.owner
                      AND t.conversation_id = m.conversation_id
                      AND t.number = (m.position + 1) / 2
                      AND m.id = CASE m.position %% 2 WHEN 1 THEN t.question_id ELSE t.reply_id END)
UNION ALL
SELECT 'a turn without its messages'
  FROM chatcore.turn AS t
 WHERE t.owner = %(owner)s
   AND (SELECT count(*)
          FROM chatcore.message AS m
         WHERE m.owner = t.owner
           AND m.conversation_id = t.conversation_id
           AND m.position IN (2 * t.number - 1, 2 * t.number))
       < CASE t.status WHEN 'completed' THEN 2 ELSE 1 END
UNION ALL
SELECT 'a turn that is answered by no message, or not answered by one'
  FROM chatcore.turn AS t
 WHERE t.owner = %(owner)s
   AND t.answered <> EXISTS (SELECT
                               FROM chatcore.message AS m
                              WHERE m.owner = t.owner
                                AND m.conversation_id = t.conversation_id
                                AND m.position = 2 * t.number)
 LIMIT 1
