SELECT chatcore.release_turn($1, $2, $3, $4)
