SELECT chatcore.interrupt_dead_turns($1)
