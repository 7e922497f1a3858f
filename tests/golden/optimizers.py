"""Golden values of tests/nn_test.c: optimizers as the documentation of torch.optim states them, in NumPy alone.

Parameters (1, -2, 0.5); the gradient of step t = 1, 2, ... is cos(t i) (0.1, 1, 10)[i], i = 1, 2, 3. Prints the parameters after four steps.
"""
import numpy as np

SCALE = np.array([0.1, 1.0, 10.0])


def gradient(t):
    return np.cos(t * np.arange(1, 4)) * SCALE


def adam(x, t, s, lr=1e-3, b1=0.9, b2=0.999, eps=1e-8, decay=0.0):
    g = gradient(t)
    x = x - lr * decay * x
    s["m"] = b1 * s.get("m", 0) + (1 - b1) * g
    s["v"] = b2 * s.get("v", 0) + (1 - b2) * g**2
    return x - lr / (1 - b1**t) * s["m"] / (np.sqrt(s["v"]) / np.sqrt(1 - b2**t) + eps)


def rmsprop(x, t, s, lr=1e-2, alpha=0.99, eps=1e-8, momentum=0.0):
    g = gradient(t)
    s["v"] = alpha * s.get("v", 0) + (1 - alpha) * g**2
    s["b"] = momentum * s.get("b", 0) + g / (np.sqrt(s["v"]) + eps)
    return x - lr * s["b"]


def adagrad(x, t, s, lr=1e-2, eps=1e-10):
    g = gradient(t)
    s["sum"] = s.get("sum", 0) + g**2
    return x - lr * g / (np.sqrt(s["sum"]) + eps)


def sgd(x, t, s, lr=0.1, momentum=0.9):
    s["b"] = momentum * s.get("b", 0) + gradient(t)
    return x - lr * s["b"]


for name, rule, options in (
    ("sgd, momentum 0.9", sgd, {}),
    ("adam", adam, {}),
    ("adamw", adam, {"decay": 1e-2}),
    ("adamw, weight_decay 0.5, step_size 0.1", adam, {"decay": 0.5, "lr": 0.1}),
    ("rmsprop", rmsprop, {}),
    ("rmsprop, momentum 0.9", rmsprop, {"momentum": 0.9}),
    ("adagrad", adagrad, {}),
):
    x, state = np.array([1.0, -2.0, 0.5]), {}
    for t in range(1, 5):
        x = rule(x, t, state, **options)
    print(name, ", ".join(f"{number:.17g}" for number in x))
