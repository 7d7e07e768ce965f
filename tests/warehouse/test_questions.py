"""The ten questions of warehouse/QUESTIONS.md are answered as the page shows, to the letter.

Where the data or the models have changed on purpose, `REWRITE_QUESTIONS=1 pytest tests/warehouse/test_questions.py` writes the
answers into the page anew; read them before they are committed.
"""

import os
import re
import shlex
import subprocess
import sys

from tests.conftest import REPOSITORY, Build
from tests.pages import SHOWN, answer

PAGE = REPOSITORY / "warehouse" / "QUESTIONS.md"
# What an analyst starts from.
TABLES = (
    *(f"timelines.{name}" for name in ("timeline_events", "patients", "stays", "ledger", "quarantine", "codes")),
    *(f"tokens.{name}" for name in ("code_counts", "mapping_coverage", "token_stats", "vocabulary")),
)


def test_every_answer_is_the_one_that_is_shown(build: Build, tmp_path):
    page = PAGE.read_text()
    command = shlex.split(re.search(r"^python (-m warehouse\.synth .*)$", page, flags=re.MULTILINE).group(1))
    command[command.index("--out") + 1] = str(tmp_path / "cohort")
    subprocess.run([sys.executable, *command], cwd=REPOSITORY, check=True, capture_output=True)
    connection = build(tmp_path / "cohort")
    answered = SHOWN.sub(lambda shown: f"```sql\n{shown[1]}```\n\n```text\n{answer(connection, shown[1])}```", page)
    if os.environ.get("REWRITE_QUESTIONS"):
        PAGE.write_text(answered)
    assert answered == PAGE.read_text()


def test_the_page_asks_ten_questions_of_every_table_an_analyst_starts_from():
    page = PAGE.read_text()
    assert re.findall(r"^## (\d+)\.", page, flags=re.MULTILINE) == [str(i) for i in range(1, 11)]
    queries = " ".join(query for query, _ in SHOWN.findall(page))
    assert [table for table in TABLES if table not in queries] == []
