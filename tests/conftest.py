"""How properties are tried, and what no test leaves behind, wherever they stand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings
from tests.port import kept_port

# Hypothesis fails an example that takes 200 ms, which on a busy machine says no more than that it is busy.
settings.register_profile("unhurried", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture
def port() -> Iterator[int]:
    """A port that stays this test's own, whoever gives it back and wants it again."""
    with kept_port() as port:
        yield port


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """A command that a test runs in this process sets how much is logged; the next test may want to hear more."""
    yield
    structlog.reset_defaults()
