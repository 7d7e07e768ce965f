"""The Medical Event Data Standard (MEDS 0.4): timelines out as such a dataset, and any such dataset in as timelines."""
