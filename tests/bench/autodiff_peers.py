"""The rows of scalar, chain, linalg, mlp, adbench, lstm and resources in autograd, JAX and PyTorch, whichever is named first; what is not installed is skipped."""
import importlib
import importlib.metadata
import sys

import numpy as np

from peer import Peer, numbers_of, options, uniform


def value_of(x):
    """What is under autograd's boxes."""
    while hasattr(x, "_value"):
        x = x._value
    return x


def scalar(peer, library):
    """Only autograd follows Python's own loops without compiling them. libad should be 500 times as fast."""
    if library != "autograd":
        return
    import autograd

    def series(x):
        curr = ans = x
        for i in range(2000):
            curr = -curr * x**2 / ((2 * i + 3) * (2 * i + 2))
            ans = ans + curr
            if abs(value_of(curr)) < 1e-20:
                break
        return ans

    def row(name, f, aim):
        expected_like_libad = 0.0  # the C program compares the derivative at 3 with sine's own, and gives 0 if it is right
        right = {"value": np.sin, "gradient": np.cos}.get(name, lambda x: -np.sin(x))
        found = f(3.0)
        peer.measure(f"Taylor's sine, {name}", lambda: f(300.0), aim=aim, result=lambda _: expected_like_libad if abs(found - right(3.0)) < 1e-12 else found)

    gradient = autograd.grad(series)
    row("value", series, 0)
    row("gradient", gradient, 1 / 500)
    row("second derivative, reverse over reverse", autograd.grad(gradient), 1 / 500)
    trivial = autograd.grad(lambda x: x * x + x)
    peer.measure("a call of ad_grad(x * x + x)", lambda: trivial(3.0), aim=1 / 100)


def chain(peer, library):
    """Up to 10^7 elements in JAX; the others, which take a second for them, up to 10^6."""
    for n in (10**k for k in range(1, 8 if library == "jax" else 7)):
        for dtype in ("float64", "float32"):
            x = (uniform(n, 1) * 4 - 2).astype(dtype)
            value, gradient = chain_in[library](x)
            aim = 1 if n <= 100000 else 0
            peer.measure(f"growth: chain, {dtype}, n = {n}, value", value)
            peer.measure(f"growth: chain, {dtype}, n = {n}, gradient", gradient, aim=aim)


def chain_in_jax(x):
    import jax
    import jax.numpy as jnp

    f = lambda x: jnp.sum(jnp.tanh(2 * x + 1) * jnp.exp(-x * x))
    value, gradient, x = jax.jit(f), jax.jit(jax.grad(f)), jnp.asarray(x)
    return lambda: value(x).block_until_ready(), lambda: gradient(x).block_until_ready()


def chain_in_autograd(x):
    import autograd
    import autograd.numpy as anp

    f = lambda x: anp.sum(anp.tanh(2 * x + 1) * anp.exp(-x * x))
    gradient = autograd.grad(f)
    return lambda: f(x), lambda: gradient(x)


def chain_in_torch(x):
    import torch

    x = torch_of(x).requires_grad_()
    f = lambda: (torch.tanh(2 * x + 1) * torch.exp(-x * x)).sum()
    return lambda: f().detach(), lambda: torch.autograd.grad(f(), x)[0]


chain_in = {"jax": chain_in_jax, "autograd": chain_in_autograd, "torch": chain_in_torch}


def torch_of(x):
    """Without the bridge to NumPy, which a PyTorch of another NumPy does not have."""
    import torch

    return torch.frombuffer(bytearray(np.ascontiguousarray(x).tobytes()), dtype=getattr(torch, x.dtype.name)).reshape(x.shape)


# ---- networks ----


def network_of(sizes, batch, dtype):
    parameters = []
    for layer, (n, m) in enumerate(zip(sizes, sizes[1:])):
        W, b = uniform((n, m), 10 + layer), uniform(m, 20 + layer)
        parameters += [((W - 0.5) * (2 / np.sqrt(n))).astype(dtype), ((b - 0.5) * (2 / np.sqrt(n))).astype(dtype)]
    return parameters, uniform((batch, sizes[0]), 30).astype(dtype), np.floor(10 * uniform(batch, 31)).astype(np.int64)


def loss_in(xp, logsumexp):
    def loss(parameters, x, labels):
        h = x
        for layer in range(0, len(parameters), 2):
            h = h @ parameters[layer] + parameters[layer + 1]
            h = xp.tanh(h) if layer + 2 < len(parameters) else h
        return -xp.mean(h[xp.arange(h.shape[0]), labels] - logsumexp(h))

    return loss


def mlp(peer, library):
    for name, sizes, batch in (("784-200-50-10", (784, 200, 50, 10), 250), ("784-50-50-50-10", (784, 50, 50, 50, 10), 200)):
        for dtype in ("float64", "float32"):
            row = f"{name}, batch {batch}, {dtype}"
            value, gradient, hvp = mlp_in[library](*network_of(sizes, batch, dtype))
            peer.measure(f"{row}, value", value)
            peer.measure(f"{row}, gradient", gradient, aim=1, result=lambda both: [both[0], *both[1]])
            if hvp:
                peer.measure(f"{row}, Hessian-vector product", hvp, aim=1)


def mlp_in_jax(parameters, x, labels):
    import jax
    import jax.numpy as jnp

    loss = loss_in(jnp, lambda h: jax.scipy.special.logsumexp(h, axis=1))
    parameters, x, labels = [jnp.asarray(p) for p in parameters], jnp.asarray(x), jnp.asarray(labels)
    value, gradient = jax.jit(loss), jax.jit(jax.value_and_grad(loss))
    along = [jnp.sin(p) for p in parameters]
    hvp = jax.jit(lambda p, x, labels: jax.jvp(lambda p: jax.grad(loss)(p, x, labels), (p,), (along,))[1])
    return (lambda: jax.block_until_ready(value(parameters, x, labels)), lambda: jax.block_until_ready(gradient(parameters, x, labels)),
            lambda: jax.block_until_ready(hvp(parameters, x, labels)))


def mlp_in_autograd(parameters, x, labels):
    import autograd
    import autograd.numpy as anp
    import autograd.scipy.special

    loss = loss_in(anp, lambda h: autograd.scipy.special.logsumexp(h, axis=1))
    gradient = autograd.value_and_grad(loss)
    return lambda: loss(parameters, x, labels), lambda: gradient(parameters, x, labels), None


def mlp_in_torch(parameters, x, labels):
    import torch

    loss = loss_in(torch, lambda h: torch.logsumexp(h, 1))
    parameters, x, labels = [torch_of(p).requires_grad_() for p in parameters], torch_of(x), torch_of(labels)

    def value():
        with torch.no_grad():
            return loss(parameters, x, labels)

    def gradient():
        y = loss(parameters, x, labels)
        return y.detach(), torch.autograd.grad(y, parameters)

    return value, gradient, None


mlp_in = {"jax": mlp_in_jax, "autograd": mlp_in_autograd, "torch": mlp_in_torch}


# ---- linear algebra ----


def linalg(peer, library):
    """Gradients in JAX, of one matrix: those of stacks do not end on one core."""
    if library != "jax":
        return
    import jax
    import jax.numpy as jnp

    functions = {"solve": lambda a: jnp.sum(jnp.linalg.solve(a, a[..., :1] ** 2)), "slogdet": lambda a: jnp.sum(jnp.linalg.slogdet(a)[1]),
                 "cholesky": lambda a: jnp.sum(jnp.linalg.cholesky(a)), "eigvalsh": lambda a: jnp.sum(jnp.linalg.eigvalsh(a) ** 2)}

    def rows(of, x):
        n = x.shape[-1]
        y = x + n * np.eye(n)
        h = y @ y.swapaxes(-2, -1)
        for name, f in functions.items():
            row, gradient, a = f"gradient through {name}, {of}", jax.jit(jax.grad(f)), jnp.asarray(h if name in ("cholesky", "eigvalsh") else y)
            peer.measure(row, lambda gradient=gradient, a=a: gradient(a).block_until_ready(), aim=1)

    for n in (10, 100, 500):
        rows(f"n = {n}", uniform((n, n), 1) - 0.5)


# ---- ADBench ----


def gmm_in(xp, logsumexp, constant, d, K, m, gamma, x):
    """As adbench_bench.c writes it, for whole arrays."""
    places = np.full((d, d), d * (d + 1) // 2)
    places[np.diag_indices(d)] = np.arange(d)
    columns, rows = np.triu_indices(d, 1)
    places[rows, columns] = d + np.arange(d * (d - 1) // 2)
    N = x.shape[0]

    def objective(parameters):
        alpha, mu, icf = parameters
        q, below = icf[:, :d], icf[:, d:]
        diagonal = xp.exp(q)
        Q = xp.concatenate([diagonal, below, xp.zeros((K, 1))], 1)[:, places.ravel()].reshape(K, d, d)
        Qx = (Q.reshape(K * d, d) @ x.T).reshape(K, d, N) - Q @ mu[:, :, None]
        terms = (alpha + xp.sum(q, 1))[:, None] - 0.5 * xp.sum(Qx**2, 1)
        prior = 0.5 * gamma**2 * (xp.sum(diagonal**2) + xp.sum(below**2)) - m * xp.sum(q)
        return xp.sum(logsumexp(terms, 0)) - N * logsumexp(alpha, 0) + prior + constant

    return objective


def gmm_problem(folder, name):
    from scipy.special import multigammaln

    numbers = numbers_of(folder, "gmm", name)
    if numbers is None:
        return None
    d, K, N = (int(v) for v in numbers[:3])
    alpha, mu, icf, x, prior = np.split(numbers[3:], np.cumsum([K, K * d, K * d * (d + 1) // 2, N * d]))
    gamma, m = prior[0], int(prior[1])
    n = d + m + 1
    constant = -N * d / 2 * np.log(2 * np.pi) - K * (n * d * (np.log(gamma) - np.log(2) / 2) - multigammaln(n / 2, d))
    return [alpha, mu.reshape(K, d), icf.reshape(K, -1)], (constant, d, K, m, gamma), x.reshape(N, d)


def ba_in(xp):
    def errors(P, feature):
        r, u = P[0:3], P[11:14] - P[3:6]
        square = xp.sum(r * r, 0)
        angle = xp.sqrt(square)
        c, s = xp.cos(angle), xp.sin(angle) / angle
        across = xp.stack([r[1] * u[2] - r[2] * u[1], r[2] * u[0] - r[0] * u[2], r[0] * u[1] - r[1] * u[0]])
        turned = u * c + across * s + r * (xp.sum(r * u, 0) * (1 - c) / square)
        plane = turned[:2] / turned[2]
        radius = xp.sum(plane * plane, 0)
        return P[14] * (plane * (P[6] * (1 + radius * (P[9] + P[10] * radius))) + P[7:9] - feature)

    return errors


def adbench(peer, library):
    """Mixtures in autograd and JAX, bundle adjustment in JAX, where an observation's Jacobian is mapped over all."""
    if library == "torch":
        return
    for name in ("gmm_d2_K5", "gmm_d10_K25", "gmm_d20_K50"):
        problem = gmm_problem(peer.options.data, name)
        if problem is None:
            continue
        parameters, constants, x = problem
        value, gradient = gmm_functions(library, parameters, constants, x)
        peer.measure(f"ADBench {name}, value", value)
        peer.measure(f"ADBench {name}, gradient", gradient, aim=1)
    name = "ba1_n49_m7776_p31843"
    numbers = numbers_of(peer.options.data, "ba", name)
    if library == "jax" and numbers is not None:
        import jax
        import jax.numpy as jnp

        count, P, feature = int(numbers[2]), numbers[3:18], numbers[18:20]
        P, feature = jnp.tile(jnp.asarray(P), (count, 1)), jnp.tile(jnp.asarray(feature), (count, 1))
        value, jacobian = jax.jit(jax.vmap(ba_in(jnp), out_axes=1)), jax.jit(jax.vmap(jax.jacrev(ba_in(jnp)), out_axes=2))
        peer.measure(f"ADBench {name}, value", lambda: value(P, feature).block_until_ready())
        peer.measure(f"ADBench {name}, Jacobian", lambda: jacobian(P, feature).block_until_ready(), aim=1)


def gmm_functions(library, parameters, constants, x):
    if library == "autograd":
        import autograd
        import autograd.numpy as anp
        from autograd.scipy.special import logsumexp

        objective = gmm_in(anp, lambda v, axis: logsumexp(v, axis=axis), *constants, x)
        gradient = autograd.grad(objective)
        return lambda: objective(parameters), lambda: np.concatenate([g.ravel() for g in gradient(parameters)])
    import jax
    import jax.numpy as jnp

    objective = gmm_in(jnp, lambda v, axis: jax.scipy.special.logsumexp(v, axis=axis), *constants, jnp.asarray(x))
    value = jax.jit(objective)
    gradient = jax.jit(lambda p: jnp.concatenate([g.ravel() for g in jax.grad(objective)(p)]))
    parameters = [jnp.asarray(p) for p in parameters]
    return lambda: value(parameters).block_until_ready(), lambda: gradient(parameters).block_until_ready()


def lstm_in(xp, steps, layers, size, state, sequence):
    """`steps` runs step(carry, (x, next)) over a sequence and gives the sum of the losses."""
    sigmoid = lambda x: 1 / (1 + xp.exp(-x))

    def objective(parameters):
        main, extra = parameters

        def step(carry, pair):
            x, following = pair[0] * extra[0], pair[1]
            new = []
            for layer in range(layers):
                (hidden, cell), (weight, bias) = carry[layer], main[layer]
                forget, ingate = sigmoid(x * weight[0] + bias[0]), sigmoid(hidden * weight[1] + bias[1])
                outgate, change = sigmoid(x * weight[2] + bias[2]), xp.tanh(hidden * weight[3] + bias[3])
                cell = cell * forget + ingate * change
                x = outgate * xp.tanh(cell)
                new.append((x, cell))
            prediction = x * extra[1] + extra[2]
            return new, xp.sum(following * (prediction - xp.log(2 + xp.sum(xp.exp(prediction)))))

        start = [(state[layer, 0], state[layer, 1]) for layer in range(layers)]
        return -steps(step, start, (sequence[:-1], sequence[1:])) / ((sequence.shape[0] - 1) * size)

    return objective


def lstm(peer, library):
    numbers = numbers_of(peer.options.data, "lstm", "lstm_l2_c1024")
    if library == "torch" or numbers is None:
        return
    layers, length, size = (int(v) for v in numbers[:3])
    main, extra, state, sequence = np.split(numbers[3:], np.cumsum([8 * layers * size, 3 * size, 2 * layers * size]))
    parameters, state, sequence = [main.reshape(layers, 2, 4, size), extra.reshape(3, size)], state.reshape(layers, 2, size), sequence.reshape(length, size)
    row = f"LSTM, {layers} layers, length {length}"
    if library == "autograd":
        import autograd
        import autograd.numpy as anp

        def steps(step, carry, pairs):
            total = 0
            for pair in zip(*pairs):
                carry, loss = step(carry, pair)
                total = total + loss
            return total

        objective = lstm_in(anp, steps, layers, size, state, sequence)
        value, gradient = lambda: objective(parameters), lambda: autograd.value_and_grad(objective)(parameters)
    else:
        import jax
        import jax.numpy as jnp

        steps = lambda step, carry, pairs: jnp.sum(jax.lax.scan(step, carry, pairs)[1])
        objective = lstm_in(jnp, steps, layers, size, jnp.asarray(state), jnp.asarray(sequence))
        compiled, both, parameters = jax.jit(objective), jax.jit(jax.value_and_grad(objective)), [jnp.asarray(p) for p in parameters]
        value, gradient = lambda: compiled(parameters).block_until_ready(), lambda: jax.block_until_ready(both(parameters))
    peer.measure(f"{row}, value", value)
    peer.measure(f"{row}, gradient", gradient, aim=1, result=lambda found: [found[0], *found[1]])


# ---- memory ----


def resources(peer, library):
    """Bytes that autograd takes for an operation of a loop, from two lengths."""
    if library != "autograd":
        return
    import tracemalloc

    import autograd
    import autograd.numpy as anp

    def peak(length):
        def loop(x):
            y = x
            for i in range(length):
                y = anp.sin(y) if i % 2 else y + x
            return y

        tracemalloc.start()
        autograd.grad(loop)(0.5)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peer.figure("memory of an operation on scalars, gradient", (peak(20000) - peak(10000)) / 10000, "bytes")


def main():
    names = {"autograd": "autograd", "jax": "JAX", "torch": "PyTorch"}
    who = sys.argv.pop(1)
    chosen = options()
    try:
        library = importlib.import_module(who)
    except ImportError:
        print(f"{names[who]} is not installed: its rows are skipped")
        return
    if who == "jax":
        library.config.update("jax_enable_x64", True)
    if who == "torch":
        library.set_num_threads(1)
    version = getattr(library, "__version__", None) or importlib.metadata.version(who)
    rows = {"scalar": scalar, "chain": chain, "linalg": linalg, "mlp": mlp, "adbench": adbench, "lstm": lstm, "resources": resources}
    rows[chosen.program](Peer(names[who], version, chosen), who)


if __name__ == "__main__":
    main()
