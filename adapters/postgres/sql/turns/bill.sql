SELECT chatcore.bill_attempt($1, $2, $3, $4)
