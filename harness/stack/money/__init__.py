"""Prices, budgets and the ledger of attempts. All amounts are integer nano-dollars."""
