"""The command line: one command, `scheduler`, whose verbs are the files of `verbs`."""
