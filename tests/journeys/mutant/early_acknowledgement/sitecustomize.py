"""The gateway acknowledges what it has received before it is on its disk."""

from graft import graft


def patch(reception):
    honest = reception.Reception._take_in

    async def take_in(self):
        for batch in self._waiting[: reception._GROUP]:
            upto = batch.message.events[-1]["sequence"]
            await self._acknowledge(batch.device, reception.Acknowledgement(journal=batch.message.journal, upto=upto))
        await honest(self)

    reception.Reception._take_in = take_in


graft("panier_gateway.reception", patch)
