"""``torch.hub`` and the older ``torch.utils.model_zoo``."""

# ruff: noqa: ARG001 (the signatures are Torch Hub's)
from __future__ import annotations

import difflib
from typing import Any

from minicnn import hub
from minicnn.compat import pretrained
from minicnn.errors import OptionError

load_url = hub.load_state_dict_from_url

_VISION = "pytorch/vision"


def list(github: str, force_reload: bool = False, skip_validation: bool = False, trust_repo: Any = None) -> Any:
    """The names of the models in a repository: torchvision's are minicnn's own; for others see ``mc.hub.list``."""
    if _is_vision(github):
        return sorted(pretrained.FILES)
    return hub.list(github, trust_repo=trust_repo is True, force_reload=force_reload)


def load(
    repo_or_dir: str, model: str, *args: Any, source: str = "github", trust_repo: Any = None,
    force_reload: bool = False, verbose: bool = True, skip_validation: bool = False, **options: Any,
) -> Any:  # fmt: skip
    """A model of a repository: torchvision's is minicnn's own, and no code is downloaded; for others see ``mc.hub``.

    Raises:
        OptionError: torchvision, or minicnn, has no such model; or another repository of GitHub, whose code minicnn
            does not run by its name alone.
    """
    if source != "github" or not _is_vision(repo_or_dir):
        return hub.load(repo_or_dir, model, *args, source="local" if "://" in repo_or_dir else source,
                        trust_repo=trust_repo is True, force_reload=force_reload, **options)  # fmt: skip
    if model not in pretrained.FILES:
        near = difflib.get_close_matches(model, pretrained.FILES)
        raise OptionError(f"hub.load: minicnn has no '{model}' of {_VISION}", got=repr(model),
                          rule=f"one of {', '.join(pretrained.FILES)}", hint=" or ".join(near) or None)
    return pretrained.builder(model)(*args, **options)


def _is_vision(repository: str) -> bool:
    return str(repository).partition(":")[0] == _VISION
