# C functions alone, which other Cython code cimports: direct.pxd. There is nothing for Python.
