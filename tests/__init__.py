"""The tests of all parts; a package, so that tests may share builders by name."""
