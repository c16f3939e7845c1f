"""One request as the providers see it: parsed request, seeded draws, token counts, key ids."""
