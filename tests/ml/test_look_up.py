"""The head that begins as a look-up."""

import pytest
import torch

from ml.attention import Documents
from ml.ladder import parse_size, shape
from ml.look_up import check_look_up, start_look_up
from ml.model import Llama, initialise
from ml.plan import Settings
from warehouse.errors import UserError


@torch.no_grad()
def test_a_head_begins_as_a_look_up() -> None:
    """A document of pairs, name and value: the state at the last name moves with the value that followed it before, and far less
    with the values that followed other names."""
    model = Llama(shape(parse_size("200k"), 200, 256))
    initialise(model, 0)
    start_look_up(model, 0)
    generator = torch.Generator().manual_seed(0)
    names = 1 + torch.randperm(40, generator=generator)[:12]
    values = 100 + torch.randint(0, 10, (12,), generator=generator)
    moved = torch.zeros(12)
    for wanted in range(12):
        documents = []
        for changed in (None, *range(12)):
            shown = values.clone()
            if changed is not None:
                shown[changed] = 150
            end = torch.tensor([99, int(names[wanted])])
            documents.append(torch.cat((torch.stack((names, shown), 1).reshape(-1), end)))
        tokens = torch.stack(documents)
        starts = torch.arange(0, tokens.numel() + 1, 26, dtype=torch.int32)
        last = model.hidden(tokens.reshape(-1), Documents(starts, 26), torch.float32).view(13, 26, -1)[:, -1]
        moved += (last[1:] - last[0]).norm(dim=1).roll(-wanted)
    assert moved[0] > 2 * moved[1:].mean()


def test_what_has_no_room_for_it_is_told() -> None:
    with pytest.raises(UserError, match="--tied"):
        check_look_up(shape(parse_size("200k"), 200, 64, tied=True))


def test_runs_begin_with_it_where_there_is_room_and_nobody_says_otherwise() -> None:
    settings = {"size": "25k", "tokens": 1000}
    assert Settings(**settings).begins_with_look_up
    assert not Settings(**settings, look_up=False).begins_with_look_up
    assert not Settings(**settings, tied=True).begins_with_look_up
    assert not Settings(**settings, init="some/llama").begins_with_look_up
    with pytest.raises(UserError, match="--init"):
        Settings(**settings, init="some/llama", look_up=True)
