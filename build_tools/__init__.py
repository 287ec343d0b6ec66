"""The parts behind build.py: environments, the extension package, the checks. Standard library only."""
