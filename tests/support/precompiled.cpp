// Nothing: the target that compiles the precompiled headers of all tests needs a source.
