"""The back office takes whatever comes as new: a delivery that is sent again is stored again."""

import sys
from importlib import abc, util

TARGET = "panier_backoffice.receipt.repository"


def patch(receipts):
    honest = receipts.add

    def add(session, arrived, at):
        honest(session, [(renamed(session, receipt), digest) for receipt, digest in arrived], at)
        return {receipt.receipt for receipt, _ in arrived}

    def renamed(session, receipt):
        # Its table would refuse the same id twice.
        while receipts.find(session, receipt.receipt):
            receipt = receipt.model_copy(update={"receipt": receipt.receipt + "+"})
        return receipt

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
