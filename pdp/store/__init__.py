"""Where everything is kept: tasks, ledger, decisions, approvals, request ids and the log."""
