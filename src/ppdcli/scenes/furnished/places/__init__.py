"""Places as people arrange them: rooms, tables, streets, gardens."""
