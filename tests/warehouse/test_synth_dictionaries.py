"""The dictionaries of ICD codes: all of ICD, in MIMIC-IV's form, with a title of its own for each version of a code."""

import pyarrow as pa
import pytest

from warehouse.synth import billing, dictionaries
from warehouse.synth.dictionaries import icd_diagnoses, icd_procedures
from warehouse.synth.world import make_world

Titles = dict[tuple[str, int], str]


def titles_of(columns: dict[str, pa.Array]) -> Titles:
    return {
        (code, version): title
        for code, version, title in zip(*(column.to_pylist() for column in columns.values()), strict=True)
    }


@pytest.fixture(scope="module")
def diagnoses() -> Titles:
    return titles_of(icd_diagnoses())


@pytest.fixture(scope="module")
def procedures() -> Titles:
    return titles_of(icd_procedures())


def test_all_of_icd_is_there(diagnoses, procedures):
    counts = [[sum(version == one for _, version in titles) for one in (9, 10)] for titles in (diagnoses, procedures)]
    assert counts[0][0] >= 14_567 and 88_000 <= sum(counts[0]) <= 113_000
    assert counts[1][0] >= 3_882 and 82_000 <= sum(counts[1]) <= 87_000


@pytest.mark.parametrize("make", [icd_diagnoses, icd_procedures])
def test_codes_have_the_form_of_mimic(make):
    columns = make()
    assert list(columns) == ["icd_code", "icd_version", "long_title"]
    codes = list(zip(columns["icd_code"].to_pylist(), columns["icd_version"].to_pylist(), strict=True))
    assert codes == sorted(set(codes))
    assert all(code.isalnum() and code.isupper() | code.isdigit() for code, _ in codes)
    widths = {9: range(3, 6), 10: range(3, 8)}
    assert all(len(code) in widths[version] for code, version in codes)
    titles = columns["long_title"].to_pylist()
    assert all(title and title == title.strip() and len(title) <= 255 for title in titles)
    again = make()
    assert all(again[name].equals(columns[name]) for name in columns)


def test_a_code_of_both_versions_has_two_titles(diagnoses):
    both = [code for code, version in diagnoses if version == 9 and (code, 10) in diagnoses]
    assert len(both) >= 400
    assert all(diagnoses[code, 9] != diagnoses[code, 10] for code in both)
    assert diagnoses["E8889", 9] == "Unspecified fall"
    assert diagnoses["E8889", 10] == "Other specified metabolic disorders"


def test_titles_are_the_official_ones_or_made_of_them(diagnoses, procedures):
    assert diagnoses["I10", 10] == "Essential (primary) hypertension"
    assert diagnoses["38600", 9] == "Ménière's disease, unspecified"
    assert procedures["02HV33Z", 10].startswith("Insertion of Infusion Device into Superior Vena Cava")
    assert diagnoses["A00", 10] == "Cholera"
    # These codes share no beginning, so that the heading has the words of the one closest to it.
    assert diagnoses["C96", 10] == "Malignant neoplasm of lymphoid, hematopoietic and related tissue"
    # No heading where X only fills the places before the seventh character.
    assert ("V100XXA", 10) in diagnoses and ("V100", 10) in diagnoses
    assert not {("V100X", 10), ("V100XX", 10)} & set(diagnoses)


def test_every_code_that_is_billed_is_there(diagnoses, procedures):
    assert {row[:2] for row in billing.diagnosis_dictionary()} <= set(diagnoses)
    assert {row[:2] for row in billing.procedure_dictionary()} <= set(procedures)
    world = make_world(seed=3, block=0, with_quirks=True)
    for rows, titles in ((billing.diagnosis_rows(world), diagnoses), (billing.procedure_rows(world), procedures)):
        used = (rows.columns[name].to_pylist() for name in ("icd_code", "icd_version"))
        assert set(zip(*used, strict=True)) <= set(titles)


def test_without_the_package_the_codes_in_use_are_left(monkeypatch):
    def not_installed(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(dictionaries, "package_files", not_installed)
    assert titles_of(icd_diagnoses()) == {row[:2]: row[2] for row in billing.diagnosis_dictionary()}
    assert titles_of(icd_procedures()) == {row[:2]: row[2] for row in billing.procedure_dictionary()}
