"""The back office takes whatever comes as new: a delivery that is sent again is stored again."""

import sys
from importlib import abc, util

TARGET = "panier_backoffice.receipt.repository"


def patch(receipts):
    honest = receipts.add

    def add(session, arrived, at):
        honest(session, [(renamed(session, stated), digest) for stated, digest in arrived], at)
        return {stated["receipt"] for stated, _ in arrived}

    def renamed(session, stated):
        # Its table would refuse the same id twice.
        while receipts.find(session, stated["receipt"]):
            stated = stated | {"receipt": stated["receipt"] + "+"}
        return stated

    receipts.add = add
    receipts.digests = lambda *_: {}


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
