"""A scale behind a real pty: the simulated one answers at the pace of the wire, and its cable does what cables do."""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.waiting import let_others_run, until

from panier_device.driver.scale.port import (
    Question,
    ScaleGarbled,
    ScaleGone,
    ScaleOverloaded,
    ScaleRefused,
    ScaleRepeated,
    ScaleSilent,
    ScaleUnstable,
    ScaleWeight,
)
from panier_device.driver.scale.profile import load_scale_profile
from panier_device.driver.scale.serial_scale import SerialScale
from panier_device.fitting import problems
from panier_device.hardware import amiss
from panier_device.settings import DeviceSettings, ScaleSettings
from panier_io.firmware import firmware_config
from panier_simulators.cable import SPLITS, Split
from panier_simulators.platter import Make
from panier_simulators.scale import SimulatedScale

SCALES = firmware_config() / "scales"
PROFILES = sorted(file.stem for file in SCALES.glob("*.toml"))
ONE_A_PROTOCOL = ["mettler-diva", "brecknell-6712", "cas-pd-ii", "mettler-diva-dialog-06"]
BANANAS = Question(price_per_kg=199)


@asynccontextmanager
async def plugged(
    folder: Path, profile: str, *, split: Split = "whole", patience: float = 5.0, settle: float = 0.0
) -> AsyncIterator[tuple[SerialScale, SimulatedScale]]:
    link = folder / "scale"
    make = Make.read(SCALES / f"{profile}.toml")
    with SimulatedScale(link, make, split=split, settle=settle) as simulated:
        scale = SerialScale(str(link), load_scale_profile(profile, SCALES), patience=patience)
        running = asyncio.create_task(scale.run())
        await until(lambda: scale.present)
        try:
            yield scale, simulated
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def said(scale: SerialScale, question: Question = BANANAS) -> str | ScaleWeight:
    try:
        return await scale.weigh(question)
    except ScaleRefused as refused:
        return refused.code


@pytest.mark.parametrize("profile", PROFILES)
async def test_every_profile_weighs_what_lies_on_its_scale(tmp_path: Path, profile: str):
    async with plugged(tmp_path, profile) as (scale, simulated):
        simulated.put(845)
        weight = await scale.weigh(BANANAS)
        assert weight.grams == (844 if profile.endswith("lb") else 845)
        simulated.put(20_000)
        assert await said(scale) == "scale_overloaded"
        simulated.take()
        simulated.put(-300)
        assert await said(scale) == "scale_below_zero"
        simulated.platter.sway(forever=True)
        simulated.put(900)
        assert await said(scale) == "scale_unstable"
        simulated.platter.sway(forever=False)
        weight = await scale.weigh(BANANAS)
        assert weight.grams == (599 if profile.endswith("lb") else 600)


@pytest.mark.parametrize("profile", ONE_A_PROTOCOL)
@pytest.mark.parametrize("split", SPLITS)
async def test_answers_come_whole_in_whatever_pieces(tmp_path: Path, profile: str, split: Split):
    async with plugged(tmp_path, profile, split=split) as (scale, simulated):
        for grams in (500, 1_250):
            simulated.take()
            simulated.put(grams)
            assert (await scale.weigh(BANANAS)).grams == grams


@pytest.mark.parametrize("profile", ONE_A_PROTOCOL)
async def test_a_cable_pulled_at_any_byte_of_an_answer_gives_no_weight_and_the_scale_comes_back(tmp_path: Path, profile: str):
    async with plugged(tmp_path, profile) as (scale, simulated):
        simulated.put(845)
        for cut_after in range(1, 60):
            simulated.faults.cut_after = cut_after
            answered = await said(scale)
            if isinstance(answered, ScaleWeight):
                # The cable was pulled behind the last byte, or would have been.
                assert answered.grams == 845
                break
            assert answered == "scale_gone"
            await until(lambda: not scale.present)
            simulated.plug()
            await until(lambda: scale.present)
            simulated.put(5)
            simulated.put(-5)
        assert cut_after >= 8


async def test_a_silent_scale_is_told_and_what_it_says_too_late_is_no_answer_to_the_next_question(tmp_path: Path):
    async with plugged(tmp_path, "mettler-diva", patience=0.2) as (scale, simulated):
        simulated.put(845)
        simulated.faults.is_silent = True
        with pytest.raises(ScaleSilent, match=r"said nothing for 0\.2 s"):
            await scale.weigh(BANANAS)
        simulated.faults.is_silent = False
        simulated.faults.late = 0.3
        before = simulated.answers
        with pytest.raises(ScaleSilent):
            await scale.weigh(BANANAS)
        await until(lambda: simulated.answers > before)
        await until(lambda: scale.noise > 0)
        simulated.faults.late = 0.0
        assert scale.noise == 8
        assert await scale.weigh(BANANAS) == ScaleWeight(845)


async def test_no_scale_at_all_is_told_at_once(tmp_path: Path):
    scale = SerialScale(str(tmp_path / "scale"), load_scale_profile("mettler-diva", SCALES))
    with pytest.raises(ScaleGone, match="no scale at"):
        await scale.weigh(BANANAS)


@pytest.mark.parametrize("baud", [4800, 19200])
async def test_a_wrong_speed_is_garbage_or_silence_and_never_a_weight(tmp_path: Path, baud: int):
    link = tmp_path / "scale"
    profile = load_scale_profile("mettler-diva", SCALES).model_copy(update={"baud": baud})
    with SimulatedScale(link, Make.read(SCALES / "mettler-diva.toml"), settle=0) as simulated:
        simulated.put(845)
        scale = SerialScale(str(link), profile, patience=0.3)
        running = asyncio.create_task(scale.run())
        await until(lambda: scale.present)
        for _ in range(3):
            with pytest.raises((ScaleGarbled, ScaleSilent)):
                await scale.weigh(BANANAS)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("profile", ONE_A_PROTOCOL)
async def test_a_bad_line_gives_the_weight_or_none(tmp_path: Path, profile: str):
    """Lossy, doubled and corrupted bytes; a scale without a check of its own may still pass for another weight, see the rule."""
    async with plugged(tmp_path, profile, split="random", patience=0.4) as (scale, simulated):
        simulated.put(845)
        simulated.faults.lost = simulated.faults.doubled = simulated.faults.corrupted = 0.03
        for _ in range(20):
            simulated.put(5)
            simulated.put(-5)
            answered = await said(scale)
            if isinstance(answered, ScaleWeight) and answered.is_checked:
                assert answered.grams == 845
        simulated.faults.lost = simulated.faults.doubled = simulated.faults.corrupted = 0.0
        async with asyncio.timeout(30):
            while not isinstance(await said(scale), ScaleWeight):
                # Dialog 06 sells a load once, and what it said may have been lost: it is to be moved.
                simulated.put(5)
                simulated.put(-5)


async def test_a_weight_that_this_scale_cannot_show_is_noise(tmp_path: Path):
    async with plugged(tmp_path, "mettler-diva") as (scale, simulated):
        simulated.platter.make = replace(simulated.make, division=2)
        simulated.put(842)
        with pytest.raises(ScaleGarbled, match="up to 15000 g in steps of 5 g"):
            await scale.weigh(BANANAS)


async def test_a_tare_left_at_the_scale_is_cleared_before_it_weighs(tmp_path: Path):
    async with plugged(tmp_path, "rice-lake-benchpro") as (scale, simulated):
        simulated.put(100)
        simulated.platter.press_tare()
        simulated.put(500)
        assert await scale.weigh(BANANAS) == ScaleWeight(600)
        assert simulated.platter.tare == 0


async def test_dialog_06_sells_a_load_once_and_proves_itself_every_fifty_weighings(tmp_path: Path):
    async with plugged(tmp_path, "mettler-diva-dialog-06") as (scale, simulated):
        simulated.put(845)
        assert await scale.weigh(BANANAS) == ScaleWeight(845, is_checked=True)
        with pytest.raises(ScaleRepeated):
            await scale.weigh(BANANAS)
        for _ in range(60):
            simulated.put(5)
            assert isinstance(await said(scale), ScaleWeight)
        assert await said(scale, Question(price_per_kg=199, tare=45)) == "scale_repeated"
        simulated.put(5)
        assert await scale.weigh(Question(price_per_kg=199, tare=45)) == ScaleWeight(1_105, is_net=True, is_checked=True)


async def test_the_loop_goes_on_while_a_scale_keeps_it_waiting(tmp_path: Path):
    async with plugged(tmp_path, "mettler-diva", patience=0.3) as (scale, simulated):
        simulated.faults.is_silent = True
        turns = 0
        question = asyncio.create_task(said(scale))
        while not question.done():
            turns += 1
            await asyncio.wait({question}, timeout=0.001)
        assert await question == "scale_silent"
        assert turns > 20


async def test_questions_wait_their_turn_and_an_abandoned_one_leaves_nothing_behind(tmp_path: Path):
    async with plugged(tmp_path, "cas-pd-ii", split="bytes") as (scale, simulated):
        simulated.put(845)
        abandoned = asyncio.create_task(scale.weigh(BANANAS))
        await let_others_run()
        abandoned.cancel()
        both = await asyncio.gather(scale.weigh(BANANAS), scale.weigh(BANANAS))
        assert [weight.grams for weight in both] == [845, 845]


def test_the_check_of_a_terminal_says_what_is_wrong_with_its_scale(tmp_path: Path):
    wrong = ScaleSettings(port=str(tmp_path / "scale"), profile="bizerba")
    settings = DeviceSettings(store="s", device="d", data_dir=tmp_path, scale=wrong)
    profile, port = problems(settings)
    assert profile.startswith("scale: no scale profile 'bizerba'; there are brecknell-6712")
    assert port.startswith(f"scale: {tmp_path / 'scale'} is not there: plug the scale in")
    assert amiss([], SerialScale("nowhere", load_scale_profile("cas-pd-ii", SCALES))) == "scale away"


def test_what_a_moving_scale_shows_is_kept_for_the_screen():
    assert ScaleUnstable(840).grams == 840
    assert ScaleOverloaded().code == "scale_overloaded"


@pytest.mark.parametrize("profile", ONE_A_PROTOCOL)
async def test_a_scale_that_talks_unasked_is_noise_and_fills_no_memory(tmp_path: Path, profile: str):
    master, slave = os.openpty()
    tty.setraw(slave)
    scale = SerialScale(os.ttyname(slave), load_scale_profile(profile, SCALES))
    running = asyncio.create_task(scale.run())
    await until(lambda: scale.present)
    for _ in range(100):
        before = scale.noise
        os.write(master, b"\x0200545\r" * 8)
        await until(lambda before=before: scale.noise > before)
    assert len(scale._heard) == 64
    assert scale._steps.empty()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    os.close(master)
    os.close(slave)
