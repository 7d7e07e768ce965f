"""A synthetic cohort in the form of MIMIC-IV; README.md beside tells the model. Command: `python -m warehouse.synth`."""
