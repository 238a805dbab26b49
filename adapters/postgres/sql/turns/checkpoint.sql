SELECT chatcore.checkpoint_turn($1, $2, $3, $4, $5, $6)
