"""The gateway acknowledges what it has received before it is on its disk."""

import sys
from importlib import abc, util

TARGET = "panier_gateway.reception"


def patch(reception):
    honest = reception.Reception._take_in

    async def take_in(self):
        for batch in self._waiting[: reception._GROUP]:
            upto = batch.message.events[-1]["sequence"]
            await self._acknowledge(batch.device, reception.Acknowledgement(journal=batch.message.journal, upto=upto))
        await honest(self)

    reception.Reception._take_in = take_in


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
