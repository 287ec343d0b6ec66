"""One module per command: `add(commands)` declares it, its `run(arguments, console)` gives the exit code."""
