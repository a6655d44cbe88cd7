"""One room per command of the command line: its flags, its examples, and what it runs."""
