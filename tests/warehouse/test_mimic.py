"""The registry of raw tables: all of MIMIC-IV is there, as its files have it, and what it says holds together."""

import pytest

from warehouse import raw
from warehouse.mimic import SOURCES, TABLES, table
from warehouse.table import tables_of_text


def test_all_tables_are_there_once():
    names = [(entry.module, entry.name) for entry in TABLES]
    assert len(set(names)) == len(names) == 37
    assert [sum(module == one for one, _ in names) for module in ("hosp", "icu", "ed")] == [22, 9, 6]
    assert len(SOURCES) == 31 and set(SOURCES) < set(TABLES)
    assert sum(entry.is_required for entry in SOURCES) == 17


def test_dictionaries_belong_to_no_patient():
    names = {entry.name for entry in TABLES if entry.is_dictionary}
    assert names == {"d_labitems", "d_icd_diagnoses", "d_icd_procedures", "d_hcpcs", "d_items", "provider", "caregiver"}


def test_headers_are_those_of_the_demo(shared_data):
    for entry in TABLES:
        path = raw.find(shared_data / "mimic-iv-demo", entry)
        assert path is not None, entry.name
        assert list(raw.read_columns(path)) == entry.column_names, entry.name


@pytest.mark.parametrize("entry", TABLES, ids=lambda entry: f"{entry.module}.{entry.name}")
def test_a_table_holds_together(entry):
    names = [name.lower() for name in entry.column_names]
    assert len(set(names)) == len(names)
    assert set(entry.key) <= set(names)
    assert entry.grain and all(column.description.strip().endswith(".") for column in entry.columns)
    for reference in entry.references:
        target = table(reference.module, reference.name)
        assert set(reference.columns) <= set(names)
        assert len(reference.columns) == len(target.key) > 0
        mine = [column.type for column in entry.columns if column.name in reference.columns]
        assert mine == [column.type for column in target.columns if column.name in target.key]


def test_keys_and_references_as_mimic_declares_them():
    assert table("hosp", "emar_detail").key == table("icu", "chartevents").key == ()
    assert table("hosp", "hcpcsevents").key == ("hadm_id", "hcpcs_cd", "seq_num")
    assert [(one.columns, one.module, one.name) for one in table("hosp", "hcpcsevents").references] == [
        (("subject_id",), "hosp", "patients"),
        (("hadm_id",), "hosp", "admissions"),
        (("hcpcs_cd",), "hosp", "d_hcpcs"),
    ]
    assert sum(len(entry.references) for entry in TABLES) == 56


@pytest.mark.parametrize(
    "text",
    ["view a: b\nkey none\nc bigint! D.", "table a: b\nkey none\nc number D.", "table a: b\nreferences c\nc text D."],
)
def test_a_line_that_does_not_fit_is_refused(text):
    with pytest.raises(ValueError):
        tables_of_text("hosp", text)
