"""Score runs on clinical tasks: `python ml/evaluate.py --run data/runs/ID --tasks all`.

In: finished runs, the shards they were trained on, the tasks exported from the same warehouse. For each moment of
prediction (tasks that share it share prompts) the futures of held_out patients are simulated, once for all tasks that watch them; a
linear probe on the last hidden state is the second reading. Out: RUN/evaluation/ with scores.jsonl, calibration.jsonl,
predictions/ and the rollouts, which a further start takes up. Patients come in one fixed order; how many are taken is
settled once for all runs of a command, on the one with the most parameters, so that all are scored on the same.
Wrong: an unknown task, a run without weights, shards or tasks of another build (exit 2).
"""

SPLIT = "held_out"
CHUNK = 16  # prompts simulated together; also the step in which a sample grows and what a killed process may lose
EXAMPLES = """examples:
  python ml/evaluate.py --run data/runs/ID --tasks all
  python ml/evaluate.py --run data/runs/ID --tasks hospital_mortality_at_admission,readmission_30d --rollouts 100
  python ml/evaluate.py --run data/runs/* --tasks all --rollouts 20 --budget-minutes 5
  python ml/evaluate.py --run data/runs/* --tasks all --methods probe
"""
