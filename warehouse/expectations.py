"""The expectations that a sound warehouse meets: raw keys, patients and splits (here), keys and order of the timelines
(expectations_timeline.py), clock (expectations_clock.py), codes (expectations_codes.py), tokens and static prefix
(expectations_tokens.py) and conservation of rows (expectations_rows.py).

In: the dbt vars as Settings. Out: `expectations(settings)`, all of them as data for judgement.py, grouped in suites.
What can go wrong: nothing here runs; SQL that a warehouse of another version cannot answer is told by validate.py.
"""

from collections.abc import Iterable

from warehouse.expectations_clock import clock_expectations
from warehouse.expectations_codes import code_expectations
from warehouse.expectations_rows import row_expectations
from warehouse.expectations_timeline import KEY_EXPECTATIONS, ORDER_EXPECTATIONS
from warehouse.expectations_tokens import TOKEN_EXPECTATIONS
from warehouse.judgement import NONE, Expectation, Limit, Scan, Settings, at_least, none_of
from warehouse.shard_format import SPLITS
from warehouse.table import Table

# A share may lie this many standard errors from what the hash should give; chance alone does so once in 15,000.
STANDARD_ERRORS = 4

PATIENTS = Scan(
    "patients",
    ("timelines.patients",),
    """
    select subject_id, split, count(*) over (partition by subject_id) as n_rows
    from timelines.patients
    """,
)

PATIENT_SPLITS = Scan(
    "patient_splits",
    ("timelines.patients",),
    "select subject_id, count(distinct split) as n_splits from timelines.patients group by subject_id",
)


def expectations(settings: Settings) -> tuple[Expectation, ...]:
    """Every expectation, suite by suite; names are unique and serve as names of figures."""
    return (
        *_raw_keys(settings.tables),
        *_KEYS,
        *KEY_EXPECTATIONS,
        *ORDER_EXPECTATIONS,
        *clock_expectations(settings),
        *_splits(settings),
        *code_expectations(settings),
        *TOKEN_EXPECTATIONS,
        *row_expectations(settings.tables, settings.reads_meds),
    )


def _raw_keys(tables: Iterable[Table]) -> list[Expectation]:
    """Keys of the raw tables as the registry declares them; rows that could not be read are set aside and not asked."""
    result = []
    for table in tables:
        if not table.key:
            continue
        key = ", ".join(table.key)
        staged = f"scratch.staging.{table.staging_model}"
        name = f"raw_key_{table.module}_{table.name}"
        select = f"select {key}, count(*) as n_rows from {staged} where unreadable_columns is null group by {key}"
        description = f"In {table.module}.{table.name} no two rows share ({key})."
        result += none_of("keys", Scan(name, (staged,), select), None, (name, description, "n_rows > 1"))
    return result


_KEYS = none_of(
    "keys",
    PATIENTS,
    "split",
    ("patients_unique", "timelines.patients has one row per patient.", "n_rows > 1 or subject_id is null"),
)


def _split_of_id(settings: Settings) -> str:
    """SQL for the split that the hash of subject_id gives, told apart from the models' own."""
    salt = settings.split_salt.replace("'", "''")
    share = f"('0x' || substr(md5('{salt}:' || subject_id), 1, 8))::bigint % 1000 / 1000"
    tuning, held_out = settings.tuning_share, settings.tuning_share + settings.held_out_share
    return f"case when {share} < {tuning} then 'tuning' when {share} < {held_out} then 'held_out' else 'train' end"


def _splits(settings: Settings) -> list[Expectation]:
    shares = {
        "train": round(1 - settings.tuning_share - settings.held_out_share, 6),
        "tuning": settings.tuning_share,
        "held_out": settings.held_out_share,
    }
    names = ", ".join(f"'{split}'" for split in SPLITS)
    result = [
        *none_of(
            "splits",
            PATIENTS,
            "split",
            (
                "split_known",
                "Every patient is in train, tuning or held_out.",
                f"coalesce(split not in ({names}), true)",
            ),
        ),
        Expectation(
            "splits",
            "split_from_id",
            "A patient's split is told by the id alone, and stays when patients are added.",
            PATIENTS,
            breach=f"split is distinct from {_split_of_id(settings)}",
            # A MEDS dataset may give the splits of its own study.
            limit=at_least(0) if settings.reads_meds else NONE,
            reason="split",
        ),
        *none_of(
            "splits",
            PATIENT_SPLITS,
            None,
            ("patient_in_one_split", "No patient is in two splits.", "n_splits > 1"),
        ),
    ]
    for split, share in shares.items():
        result.append(
            Expectation(
                "splits",
                f"{split}_has_patients",
                f"Split {split} has a patient; where it has none, take more patients.",
                PATIENTS,
                figure=f"count(*) filter (where split = '{split}')",
                limit=at_least(1),
            )
        )
        result.append(
            Expectation(
                "splits",
                f"{split}_share",
                f"The share of patients in {split} is {share:.1%}; the figure is how many standard errors it is off.",
                PATIENTS,
                figure=f"abs(avg((split is not distinct from '{split}')::integer) - {share})"
                f" / sqrt({share * (1 - share)} / count(*))",
                # A MEDS dataset may give the splits of its own study: their shares are told, and not refused.
                limit=at_least(0) if settings.reads_meds else Limit(0, STANDARD_ERRORS),
            )
        )
    return result
