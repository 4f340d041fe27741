"""Changes a module of ours as soon as a process imports it; a folder beside this file is one mutant, by its sitecustomize.py."""

import sys
from importlib import abc, util


def graft(target, patch):
    """Calls `patch` with the module named `target` once it is loaded, before anybody else has it."""
    sys.meta_path.insert(0, _Grafting(target, patch))


class _Grafting(abc.MetaPathFinder):
    def __init__(self, target, patch):
        self._target, self._patch = target, patch

    def find_spec(self, fullname, path, target=None):
        if fullname != self._target:
            return None
        sys.meta_path.remove(self)
        spec = util.find_spec(fullname)
        run = spec.loader.exec_module
        spec.loader.exec_module = lambda module: (run(module), self._patch(module))
        return spec
