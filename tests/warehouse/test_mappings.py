"""Code mappings: the user's folder comes first, the package and the seed are always there."""

from pathlib import Path

import duckdb
import pytest

from warehouse import mappings
from warehouse.errors import UserError


def rows(found: mappings.Mappings, view: str, where: str) -> list[tuple]:
    return duckdb.sql(f"select * from ({mappings.selects(found)[view]}) where {where} order by all").fetchall()


def test_without_a_folder_the_package_maps_diagnoses_and_the_seed_drugs():
    found = mappings.find(None)
    assert rows(found, "icd9_to_icd10", "icd_9 = '0010'") == [("cm", "0010", "A000", "00000", mappings.PACKAGE_RANK)]
    assert rows(found, "drug_to_atc", "drug = 'furosemide'") == [("furosemide", "C03CA01", mappings.SEED_RANK)]


def test_the_folder_of_the_user_is_added_with_the_first_rank(tmp_path: Path):
    (tmp_path / "mimic_drug_to_atc.csv").write_text("drug,atc_code\nFurosemide,X00\n")
    found = mappings.find(tmp_path)
    assert ("Furosemide", "X00", mappings.USER_RANK) in rows(found, "drug_to_atc", "drug ilike 'furosemide'")


def test_shared_mappings_are_understood(shared_data: Path):
    found = mappings.find(shared_data / "mappings")
    assert len(rows(found, "icd9_to_icd10", f"kind = 'pcs' and source_rank = {mappings.USER_RANK}")) == 75_457


def test_what_is_wrong_is_one_line(tmp_path: Path):
    with pytest.raises(UserError, match="is no folder"):
        mappings.find(tmp_path / "none")
    with pytest.raises(UserError, match="holds none of"):
        mappings.find(tmp_path)
    (tmp_path / "mimic_drug_to_atc.csv").write_text("drug,code\nFurosemide,X00\n")
    with pytest.raises(UserError, match="lacks the column atc_code"):
        mappings.find(tmp_path)
