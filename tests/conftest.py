"""What every test shares: where the shared data lie, and a dbt that leaves no trace in the repository.

Tests that need data which cannot be part of the project find it by EHR_SHARED, and say so where it is not set.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
# Tests run side by side, one process a core: more threads each would only get in each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["GX_ANALYTICS_ENABLED"] = "False"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of shared data: the MIMIC-IV demo, code mappings, public scaling-law tables."""
    shared = os.environ.get("EHR_SHARED")
    if not shared:
        pytest.skip("EHR_SHARED is not set: it names the folder that holds data/mimic-iv-demo and data/scaling")
    return Path(shared) / "data"


@pytest.fixture(scope="session")
def run_dbt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Run dbt in the repository with its own target and log folder: run_dbt("build", env={...})."""
    produced = tmp_path_factory.mktemp("dbt")

    def run(*arguments: str, env: Mapping[str, str | Path]) -> subprocess.CompletedProcess[str]:
        settings = {
            "DBT_TARGET_PATH": str(produced / "target"),
            "DBT_LOG_PATH": str(produced / "logs"),
            "DBT_USE_COLORS": "false",
        }
        return subprocess.run(
            [Path(sys.executable).with_name("dbt"), *arguments],
            cwd=REPOSITORY,
            env=os.environ | settings | {name: str(value) for name, value in env.items()},
            capture_output=True,
            text=True,
            check=False,
        )

    yield run
