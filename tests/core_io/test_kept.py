from __future__ import annotations

from panier_io.kept import Kept


def test_a_value_is_made_once_while_it_is_held():
    made: list[str] = []
    kept = Kept[str, str](2)

    def make() -> str:
        made.append("x")
        return "value"

    assert [kept.get("a", make), kept.get("a", make)] == ["value", "value"]
    assert made == ["x"]


def test_what_was_not_asked_for_the_longest_goes_first():
    kept = Kept[str, int](3)
    kept.keep({"a": 1, "b": 2, "c": 3})
    assert kept.get("a", lambda: 0) == 1
    assert kept.those_of(["b", "nothing"]) == {"b": 2}
    kept.keep({"d": 4})
    assert kept.those_of("abcd") == {"a": 1, "b": 2, "d": 4}


def test_what_is_kept_again_counts_as_asked_for():
    kept = Kept[str, int](2)
    kept.keep({"a": 1, "b": 2})
    kept.keep({"a": 1})
    kept.keep({"c": 3})
    assert kept.those_of("abc") == {"a": 1, "c": 3}


def test_none_is_a_value_like_any_other():
    kept = Kept[str, int | None](1)
    kept.keep({"gone": None})
    assert kept.get("gone", lambda: 1) is None
    assert kept.those_of(["gone"]) == {"gone": None}


def test_more_than_it_may_hold_at_once_leaves_the_last_of_them():
    kept = Kept[int, int](2)
    kept.keep({number: number for number in range(5)})
    assert kept.those_of(range(5)) == {3: 3, 4: 4}
