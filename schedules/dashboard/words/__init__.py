"""What pages say, in the reader's language: lengths, instants, states, timetables, policies."""
