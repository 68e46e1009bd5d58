"""Learning by gradients: layers, losses, optimisers and training, on neurosim's own autodiff.

    from neurosim import learning

    model = learning.build([learning.Dense(128, "tanh"), learning.Dense(10)], inputs=64)
    history = learning.train(model, x, labels, learning.categorical_cross_entropy, learning.Adam(0.001), epochs=20,
                             validation=0.1, patience=5, metric=learning.accuracy)
    scores = model.predict(x)

Samples lie in rows; a layer is z = x W + b with W of shape (n_in, n_out); images have their channels last.
"""

from __future__ import annotations

from neurosim.lazy import public

# no file here may be called like a public name: imported by its path, the module would hide the function

#: public names and where they live; each is imported when it is first used
_WHERE = {
    "layers": ("Layer", "Mode", "Sequential", "Activation", "Flatten"),
    "dense": ("Dense",),
    "images": ("Conv2D", "Conv1D", "MaxPool2D", "AvgPool2D"),
    "regularising": ("Dropout", "BatchNorm", "LayerNorm"),
    "recurrent": ("Recurrent", "GRU", "MinGRU"),
    "spiking_layers": ("Repeat", "Spiking", "AdaptiveSpiking", "Integrator", "SpikeCount", "FirstSpike"),
    "initialisers": ("glorot", "he", "lecun", "orthogonal", "zeros"),
    "models": ("Model", "build"),
    "losses": ("squared_error", "bernoulli_cross_entropy", "categorical_cross_entropy", "accuracy"),
    "optimisers": ("Optimiser", "SGD", "Momentum", "Nesterov", "RMSProp", "Adam", "AdamW"),
    "schedules": ("Schedule", "StepDecay", "ExponentialDecay", "CosineDecay", "WarmUp"),
    "descent": ("Descent",),
    "training": ("train", "evaluate"),
    "history": ("History",),
    "checkpoints": ("save_model", "load_model"),
    "norms": ("gradient_norms", "GradientNorms"),
    "learners.nef_readout": ("NEFReadoutClassifier", "NEFReadoutRegressor"),
    "learners.pes": ("PESClassifier",),
    "learners.stdp": ("STDPClassifier",),
    "learners.reward_stdp": ("RewardSTDPClassifier",),
    "learners.tempotron": ("TempotronClassifier",),
    "learners.liquid": ("LiquidStateClassifier",),
    "approximation": ("universal_approximation", "ThresholdPieces"),
    "learners.backprop": ("BackpropClassifier", "BackpropRegressor"),
    "learners.predictive_coding": ("PredictiveCodingClassifier", "PredictiveCodingRegressor"),
    "learners.spiking_predictive_coding": ("SpikingPredictiveCodingClassifier", "SpikingPredictiveCodingRegressor"),
    "learners.feedback_alignment": ("FeedbackAlignmentClassifier", "FeedbackAlignmentRegressor",
                                    "DirectFeedbackAlignmentClassifier", "DirectFeedbackAlignmentRegressor"),
    "learners.equilibrium_propagation": ("EquilibriumPropagationClassifier", "EquilibriumPropagationRegressor"),
    "learners.contrastive_hebbian": ("ContrastiveHebbianClassifier", "ContrastiveHebbianRegressor"),
    "learners.target_propagation": ("TargetPropagationClassifier", "TargetPropagationRegressor"),
    "learners.surrogate": ("SurrogateClassifier",),
    "learners.eprop": ("EPropClassifier",),
    "comparing.running": ("compare",),
    "comparing.result": ("Comparison",),
}

__getattr__, __dir__, __all__ = public(__name__, _WHERE)
