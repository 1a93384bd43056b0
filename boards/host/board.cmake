# The machine that builds: nothing to cross-compile.
