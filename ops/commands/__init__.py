"""One module a group of commands: arguments in, text out."""
