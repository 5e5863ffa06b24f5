# SPDX-License-Identifier: Apache-2.0
"""What the tests of packages share."""

import pytest

from harness import host as _host


@pytest.fixture
def trees():
    """Trees of Debian can be made and entered here."""
    try:
        _host.check()
    except _host.CannotBoot as error:
        pytest.skip(str(error))


@pytest.fixture(params=["bookworm", "trixie"])
def suite(request, trees):
    """Each release of Debian in turn."""
    return request.param
