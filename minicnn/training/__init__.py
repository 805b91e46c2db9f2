"""Training: ``fit``, ``evaluate``, ``benchmark``, and the callbacks that watch a training.

    history = mc.training.fit(model, loader, optimizer, epochs=3, validation=test_loader)
    result = mc.training.evaluate(model, test_loader)
    mc.training.benchmark((train, test), ["mlp_relu", "cnn2_bn"], epochs=3, lr=0.01)
"""

from typing import TYPE_CHECKING

from minicnn.absent import hints
from minicnn.training.callback import Callback
from minicnn.training.checkpoint import Checkpoint
from minicnn.training.comparison import Comparison, Row, benchmark
from minicnn.training.evaluation import ClassScore, Evaluation, evaluate
from minicnn.training.history import Epoch, History
from minicnn.training.logs import CSVLog, TensorBoardLog
from minicnn.training.loop import fit
from minicnn.training.outputs import auxiliary_loss, class_accuracy
from minicnn.training.progress import Progress
from minicnn.training.run import Run
from minicnn.training.schedule import Schedule
from minicnn.training.stopping import EarlyStopping

__all__ = [
    "CSVLog", "Callback", "Checkpoint", "ClassScore", "Comparison", "EarlyStopping", "Epoch", "Evaluation", "History",
    "Progress", "Row", "Run", "Schedule", "TensorBoardLog", "auxiliary_loss", "benchmark", "class_accuracy",
    "evaluate", "fit",
]  # fmt: skip

if not TYPE_CHECKING:
    __getattr__ = hints(globals())
