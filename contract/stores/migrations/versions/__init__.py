"""One revision each; a later one never changes an earlier one."""
