"""The one root of everything that Panier itself refuses."""


class PanierError(Exception):
    """A refusal with a reason: says what was seen, what was wanted and what to do next.

    `code` is a stable snake_case word for machines (MQTT reasons, HTTP problem types, metrics labels); the message is for people.
    """

    code = "refused"
