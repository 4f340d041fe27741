"""The device paints first, and writes its journal half a second later."""

import asyncio
import sys
from contextlib import contextmanager
from importlib import abc, util

TARGET = "panier_io.journal"


def patch(journal):
    @contextmanager
    def later(connection):
        if not connection.in_transaction:
            connection.execute("BEGIN IMMEDIATE")
            asyncio.get_running_loop().call_later(0.5, lambda: connection.in_transaction and connection.execute("COMMIT"))
        yield

    journal.transaction = later


class Finder(abc.MetaPathFinder):
    def find_spec(self, fullname, path, target=None):
        if fullname != TARGET:
            return None
        sys.meta_path.remove(self)
        spec = util.find_spec(fullname)
        run = spec.loader.exec_module
        spec.loader.exec_module = lambda module: (run(module), patch(module))
        return spec


sys.meta_path.insert(0, Finder())
