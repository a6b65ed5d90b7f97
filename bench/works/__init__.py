"""The works, one a module: each measures one thing and says what it found."""
