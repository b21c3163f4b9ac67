"""Search for better settings with Optuna; the test photos play no part in it.

Every trial is kept in a journal, and each proposal depends on the seed, its number and the trials
before it: a search that was killed goes on, and proposes what it would have proposed.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, NamedTuple

from homebody.errors import MissingExtraError, TrainError
from homebody.train.config import TrainConfig
from homebody.train.fitting import Materials, fit, run_key
from homebody.train.photos import Progress, silent


class Found(NamedTuple):
    """The best settings, their validation loss, and how many trials there are in all."""

    config: TrainConfig
    validation_loss: float
    trials: int


def search(
    materials: Materials,
    config: TrainConfig,
    folder: Path,
    trials: int,
    progress: Progress[Any] = silent,
) -> Found:
    """Try settings and keep those with the least validation loss.

    The first trial is of ``config`` itself. Proposals are those of the tree-structured Parzen
    estimator (J. Bergstra et al., "Algorithms for hyper-parameter optimization", NIPS 2011).

    Args:
        materials: what to train with; validation photos judge, test photos are not looked at.
        config: settings that are not searched stay as they are.
        folder: keeps the journal and the checkpoint of each trial.
        trials: how many trials there shall be in all, those of earlier runs included.
        progress: shows the trials.

    Raises:
        MissingExtraError: Optuna is not installed.
        TrainError: the journal cannot be read or written.
    """
    try:
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend
        from optuna.trial import TrialState
    except ImportError as error:
        raise MissingExtraError("train", "searching for settings") from error

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    key = run_key(materials, config)[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            journal = JournalStorage(JournalFileBackend(str(folder / f"{key}.journal")))
            study = optuna.create_study(
                study_name=key, storage=journal, direction="minimize", load_if_exists=True
            )
    except (OSError, ValueError) as error:
        raise TrainError(
            f"the journal in {folder} cannot be read or written ({error}); delete the folder to "
            "start the search anew"
        ) from error
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)  # the run before was killed in it
    done = [t.number for t in study.get_trials(states=(TrialState.COMPLETE,))]
    for number in progress(range(len(done), trials), max(0, trials - len(done)), "trials"):
        study.sampler = optuna.samplers.TPESampler(seed=(config.seed + 7919 * number) % (1 << 32))
        if number == 0:
            study.enqueue_trial(_searched(config), skip_if_exists=True)
        trial = study.ask()
        tried = config.replace(**_propose(trial))
        checkpoint = folder / f"{run_key(materials, tried)[:16]}.npz"
        fitted = fit(materials, tried, checkpoint=checkpoint)
        study.tell(trial, fitted.best.validation_loss)
    best = study.best_trial
    return Found(config.replace(**best.params), float(best.value or 0.0), len(study.trials))


def _searched(config: TrainConfig) -> dict[str, Any]:
    names = ("head_weight_decay", "modules", "learning_rate", "weight_decay", "label_smoothing",
             "zoom", "light")  # fmt: skip
    return {name: getattr(config, name) for name in names}


def _propose(trial: Any) -> dict[str, Any]:
    return {
        "head_weight_decay": trial.suggest_float("head_weight_decay", 1e-4, 1.0, log=True),
        "modules": trial.suggest_int("modules", 0, 6),
        "learning_rate": trial.suggest_float("learning_rate", 1e-5, 1e-3, log=True),
        "weight_decay": trial.suggest_float("weight_decay", 1e-5, 0.1, log=True),
        "label_smoothing": trial.suggest_float("label_smoothing", 0.0, 0.2),
        "zoom": trial.suggest_float("zoom", 0.0, 0.6),
        "light": trial.suggest_float("light", 0.0, 0.4),
    }
