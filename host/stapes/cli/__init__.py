"""The `stapes` command: one thin module per subcommand."""
