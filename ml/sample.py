"""How many prompts of each moment are simulated when time is short.

In: seconds to spend, what a prompt of each moment costs, how many there are. Out: a number for each moment, in whole
chunks. Every moment gets the same time; what one does not need goes to the others. Wrong: nothing.
"""

from collections.abc import Mapping


def share_out(seconds: float, cost: Mapping[str, float], available: Mapping[str, int], chunk: int) -> dict[str, int]:
    """Prompts of each moment: whole chunks that fit its time, at least one chunk, never more than there are.

    seconds: for all moments together; cost: seconds a prompt; available: prompts; chunk: prompts simulated together.

    >>> share_out(60, {"admission": 1.0, "discharge": 2.0}, {"admission": 10, "discharge": 100}, chunk=5)
    {'admission': 10, 'discharge': 25}
    """
    taken: dict[str, int] = {}
    left, open_ = seconds, sorted(available, key=lambda name: cost[name] * available[name])
    for place, name in enumerate(open_):
        share = max(left, 0.0) / (len(open_) - place)
        fits = int(share / cost[name]) // chunk * chunk
        taken[name] = min(available[name], max(fits, chunk))
        left -= taken[name] * cost[name]
    return {name: taken[name] for name in available}
