SELECT chatcore.sweep_rates()
