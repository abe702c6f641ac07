"""Pages written from the definitions: ops, rules, recipes."""
