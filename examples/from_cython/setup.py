"""Nothing of cano stands here: no include folder, no library, no compiler flag."""

from Cython.Build import cythonize
from setuptools import setup

setup(ext_modules=cythonize(["watch.pyx", "loops.pyx"]))
