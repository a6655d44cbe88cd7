"""`contract init`: what a project is made of, and the config, the hook and the CI job that follow from it."""
