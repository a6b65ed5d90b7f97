"""The verbs. Command line, API, admin and dashboard only call these; nothing is done twice."""
