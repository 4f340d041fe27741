from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from panier_io.settings import SettingsInvalid, checked_host, load


class Shop(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="PANIER_SHOP_", extra="ignore")

    store: str
    port: int = Field(1883, ge=0, le=65535)
    broker_password: str = Field("secret-enough", min_length=8)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "shop.toml"


def test_a_file_is_enough(file: Path):
    file.write_text('store = "s1"\nport = 1884\n')
    assert load(Shop, file) == Shop(store="s1", port=1884)


def test_flags_outrank_the_environment_which_outranks_the_file(file: Path, monkeypatch: pytest.MonkeyPatch):
    file.write_text('store = "file"\nport = 1\n')
    monkeypatch.setenv("PANIER_SHOP_STORE", "environment")
    monkeypatch.setenv("PANIER_SHOP_PORT", "2")
    settings = load(Shop, file, port=3, store=None)
    assert (settings.store, settings.port) == ("environment", 3)


def test_a_variable_reaches_into_a_table_of_the_file_and_leaves_the_rest(file: Path, monkeypatch: pytest.MonkeyPatch):
    file.write_text('store = "s1"\n[broker]\nname = "file"\ntoken = "held-in-the-file"\n')
    monkeypatch.setenv("PANIER_CHAIN_BROKER__NAME", "environment")
    broker = load(Chain, file).broker
    assert broker is not None
    assert (broker.name, broker.token.get_secret_value()) == ("environment", "held-in-the-file")
    monkeypatch.setenv("PANIER_CHAIN_BROKER", '{"name": "whole", "token": "held-in-the-environment"}')
    monkeypatch.delenv("PANIER_CHAIN_BROKER__NAME")
    whole = load(Chain, file).broker
    assert whole is not None
    assert (whole.name, whole.token.get_secret_value()) == ("whole", "held-in-the-environment")


def test_what_is_wrong_with_a_part_of_a_table_is_said_of_where_that_part_stands(file: Path, monkeypatch: pytest.MonkeyPatch):
    file.write_text('store = "s1"\n[broker]\nname = 7\ntoken = "x"\n')
    monkeypatch.setenv("PANIER_CHAIN_BROKER__PORT", "99999")
    with pytest.raises(SettingsInvalid) as caught:
        load(Chain, file)
    assert caught.value.problems == (
        f"{file}: broker.name: Input should be a valid string (seen: 7)",
        "PANIER_CHAIN_BROKER__PORT: Input should be less than or equal to 65535 (seen: '99999')",
    )


def test_a_variable_that_is_no_json_where_json_is_wanted_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PANIER_CHAIN_TOKENS", "SECRET")
    with pytest.raises(SettingsInvalid, match=r'"tokens".*JSON is wanted') as caught:
        load(Chain, store="s1")
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    "host", ["gateway.shop", "gw_1.local.", "käse.shop", "localhost", "192.0.2.20", "::1", "fe80::1%eth0", "0.0.0.0"]
)
def test_a_name_or_address_of_a_machine_is_taken(host: str):
    assert checked_host(host) == host


@pytest.mark.parametrize("host", ["", ".", "gateway..shop", "x" * 64, "gw:1883", "mqtt://gw", "gw shop", "gw\0", "a." * 200])
def test_what_no_resolver_would_take_is_refused_with_what_is_wanted(host: str):
    with pytest.raises(ValueError, match="an address, is wanted, without a port"):
        checked_host(host)


def test_all_errors_are_told_at_once_with_what_was_meant(file: Path, monkeypatch: pytest.MonkeyPatch):
    file.write_text('sotre = "s1"\nport = 99999\n')
    monkeypatch.setenv("PANIER_SHOP_PROT", "1")
    with pytest.raises(SettingsInvalid) as caught:
        load(Shop, file)
    problems = "\n".join(caught.value.problems)
    assert len(caught.value.problems) == 4
    assert "unknown setting 'sotre'; did you mean 'store'?" in problems
    assert "unknown setting PANIER_SHOP_PROT; did you mean PANIER_SHOP_PORT?" in problems
    assert f"{file}: port: Input should be less than or equal to 65535 (seen: 99999)" in problems
    assert "store is missing: set it in the file, as PANIER_SHOP_STORE" in problems
    assert "--store" not in problems, "a flag that the command does not have"


def test_a_secret_is_never_quoted():
    with pytest.raises(SettingsInvalid) as caught:
        load(Shop, store="s1", broker_password="short")
    assert "--broker-password" in str(caught.value)
    assert "short" not in str(caught.value)


class Token(BaseModel):
    name: str
    token: SecretStr
    port: Annotated[int, Field(le=65535)] = 1883


class Chain(Shop):
    model_config = SettingsConfigDict(env_prefix="PANIER_CHAIN_", env_nested_delimiter="__", extra="ignore")

    tokens: Annotated[list[Token], BeforeValidator(lambda given: [one.split(":")[1] for one in given])] = []
    broker: Token | None = None

    @model_validator(mode="after")
    def _never_holds(self) -> Chain:
        if self.port == 7:
            raise ValueError("port 7 is taken")
        return self


def test_what_holds_a_secret_is_not_quoted_whatever_is_wrong_with_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PANIER_CHAIN_BROKER", '{"token": "SECRET"}')
    with pytest.raises(SettingsInvalid) as caught:
        load(Chain, store="s1", tokens=["a:SECRET"], port=None)
    assert "SECRET" not in str(caught.value)
    assert "broker.name is missing: set it in the file, as PANIER_CHAIN_BROKER__NAME" in caught.value.problems


def test_a_fault_between_settings_is_told_in_its_own_words_without_the_values():
    with pytest.raises(SettingsInvalid) as caught:
        load(Chain, store="s1", port=7, broker_password="SECRET-12")
    assert caught.value.problems == ("port 7 is taken",)


def test_a_flag_that_is_missing_is_named():
    with pytest.raises(SettingsInvalid, match="or by --store"):
        load(Shop, store=None)


@pytest.mark.parametrize(
    ("content", "told"), [(None, "no such file"), (b"store = ", "is no TOML: Invalid value"), (b"\xff\xfe", "decode")]
)
def test_a_file_that_cannot_be_read_is_named_with_the_reason(file: Path, content: bytes | None, told: str):
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsInvalid, match=told) as caught:
        load(Shop, file, store="s1")
    assert str(file) in str(caught.value)


def test_a_folder_in_place_of_a_file_is_said(tmp_path: Path):
    with pytest.raises(SettingsInvalid, match=r"cannot be read \(Is a directory\); a TOML file is wanted"):
        load(Shop, tmp_path, store="s1")


class Cable(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["cable"]
    port: str
    baud: int = 9600


class Radio(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["radio"]
    channel: int


class Till(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="PANIER_TILL_", env_nested_delimiter="__", extra="ignore")

    scanners: list[Annotated[Cable | Radio, Field(discriminator="kind")]]


@pytest.mark.parametrize(
    ("block", "problems"),
    [
        (
            'kind = "cable"\nprot = "/dev/x"',
            [
                "scanners.0.port is missing: set it in the file",
                "{file}: scanners.0.prot: no such setting; did you mean 'port'? (seen: '/dev/x')",
            ],
        ),
        ('kind = "radio"\nchannel = []', ["{file}: scanners.0.channel: Input should be a valid integer"]),
        ('kind = "cabel"\nport = "/dev/x"', ["{file}: scanners.0: kind is 'cabel'; wanted is one of 'cable', 'radio'"]),
        ('port = "/dev/x"', ["{file}: scanners.0: kind is missing"]),
    ],
)
def test_a_fault_in_a_table_is_told_in_the_words_of_the_file(file: Path, block: str, problems: list[str]):
    file.write_text(f"[[scanners]]\n{block}\n")
    with pytest.raises(SettingsInvalid) as caught:
        load(Till, file)
    assert sorted(caught.value.problems) == sorted(problem.format(file=file) for problem in problems)


@pytest.mark.parametrize("content", [None, b"store = ", b"\xff\xfe"])
def test_of_a_file_that_cannot_be_read_nothing_is_called_missing(file: Path, content: bytes | None):
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsInvalid) as caught:
        load(Shop, file)
    assert [problem.startswith(f"{file}: ") for problem in caught.value.problems] == [True]
