from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panier.snapshot import ChangeKind, Fingerprint, canonical

kinds: st.SearchStrategy[ChangeKind] = st.sampled_from(["product", "promotion"])
states = st.dictionaries(st.tuples(kinds, st.text("ab", min_size=1, max_size=2)), st.text("xy", max_size=3), max_size=8)
State = dict[tuple[ChangeKind, str], str]


def of(state: State) -> Fingerprint:
    """The fingerprint of everything, as a device that loads it anew reckons it."""
    found = Fingerprint()
    for (kind, key), body in state.items():
        found = found.replacing(kind, key, None, body)
    return found


@given(states, states)
def test_a_device_that_took_the_deltas_agrees_with_one_that_loaded_everything(before: State, after: State) -> None:
    found = of(before)
    for kind, key in before.keys() | after.keys():
        found = found.replacing(kind, key, before.get((kind, key)), after.get((kind, key)))
    assert found == of(after)


@given(states, states)
def test_two_snapshots_have_one_fingerprint_only_if_they_are_equal(one: State, other: State) -> None:
    assert (of(one) == of(other)) == (one == other)


@given(states)
def test_the_order_of_loading_does_not_matter(state: State) -> None:
    assert of(dict(reversed(state.items()))) == of(state)


def test_kind_key_and_body_do_not_run_into_each_other() -> None:
    assert Fingerprint().replacing("product", "a", None, "bc") != Fingerprint().replacing("product", "ab", None, "c")


@given(st.integers(0, (1 << 256) - 1))
def test_a_fingerprint_is_64_hexadecimal_digits_and_reads_back(total: int) -> None:
    text = str(Fingerprint(total))
    assert len(text) == 64
    assert Fingerprint.parse(text) == Fingerprint(total)


@pytest.mark.parametrize("text", ["", "-1", "0x1", "1_0", " 1", "g", "F", "1" * 65])
def test_what_is_no_fingerprint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="hexadecimal"):
        Fingerprint.parse(text)


def test_equal_values_give_equal_bytes() -> None:
    assert canonical({"b": [1, {"d": None, "c": "é"}], "a": "x"}) == '{"a":"x","b":[1,{"c":"é","d":null}]}'
    assert canonical({"a": 1, "b": 2}) == canonical({"b": 2, "a": 1})


def test_many_items_added_at_once_give_what_one_after_the_other_gives() -> None:
    items = [("product", "a", '{"sku":"a"}'), ("promotion", "p", "{}"), ("product", "b", '{"sku":"b"}')]
    one_by_one = Fingerprint()
    for kind, key, body in items:
        one_by_one = one_by_one.replacing(kind, key, None, body)
    assert Fingerprint().adding(items) == one_by_one
