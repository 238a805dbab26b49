SELECT today, counted, reserved, day, calls, input_tokens, output_tokens, settled
  FROM chatcore.usage_of_user($1, $2)
