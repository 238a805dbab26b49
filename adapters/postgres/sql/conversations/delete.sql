SELECT chatcore.delete_conversation($1, $2)
