#!/usr/bin/env python3
"""Recompute a step dump with PyTorch in double precision: forward, loss, gradients, LARS, target, running statistics.

usage: compare_torch.py STEP.h5        exit status 77: PyTorch or h5py is not installed

Nothing is shared with the C code but the dump: networks are built from the tensors' names and shapes, gradients come from
autograd with the teacher detached (spec 2.3). Small views: modes 0, 1, 2, 4; symmetric and "same" padding.
"""
import sys

try:
    import h5py
    import numpy as np
    import torch
    import torch.nn.functional as F
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

EPS_NORMALISE = 1e-12


def read_config(text):
    config, section = {}, ""
    for line in text.splitlines():
        line = line.split(" #")[0].rstrip()
        if not line or line.lstrip().startswith("#"):
            continue
        key, _, value = line.strip().partition(":")
        if not line.startswith(" ") and not value.strip():
            section = key + "."
        else:
            config[(section if line.startswith(" ") else "") + key] = value.strip().strip('"')
    return config


def tree(group, prefix=""):
    out = {}
    for name, item in group.items():
        if isinstance(item, h5py.Group):
            out.update(tree(item, prefix + name + "/"))
        else:
            out[(prefix + name).replace("/", ".")] = torch.tensor(item[()], dtype=torch.float64)
    return out


class Net:
    """Encoder and heads from a dictionary of tensors; batch statistics of every call are recorded by layer."""

    def __init__(self, tensors, config):
        self.p, self.config, self.seen = tensors, config, {}
        self.same = config["model.padding"] == "same"

    def pads(self, n, kernel, stride):
        if not self.same:
            return (kernel - 1) // 2, (kernel - 1) // 2
        total = max((-(-n // stride) - 1) * stride + kernel - n, 0)
        return total // 2, total - total // 2

    def conv(self, x, name, stride):
        w = self.p[name + ".weight"].permute(0, 3, 1, 2)
        lo, hi = self.pads(x.shape[2], w.shape[2], stride)
        return F.conv2d(F.pad(x, (lo, hi, lo, hi)), w, stride=stride)

    def norm(self, x, name):
        dims = [0] + list(range(2, x.dim()))
        mean, square = x.mean(dims), (x * x).mean(dims)
        var = square - mean * mean
        self.seen.setdefault(name, []).append((mean.detach(), var.detach()))
        shape = [1, -1] + [1] * (x.dim() - 2)
        x = (x - mean.view(shape)) / torch.sqrt(var + float(self.config["model.norm_eps"])).view(shape)
        return x * self.p[name + ".weight"].view(shape) + self.p[name + ".bias"].view(shape)

    def block(self, x, at, stride):
        bottleneck = at + ".conv3.weight" in self.p
        strides = [1, stride, 1] if bottleneck else [stride, 1]
        short = x
        if at + ".downsample.0.weight" in self.p:
            short = self.norm(self.conv(x, at + ".downsample.0", stride), at + ".downsample.1")
        for i, s in enumerate(strides):
            x = self.norm(self.conv(x, f"{at}.conv{i + 1}", s), f"{at}.bn{i + 1}")
            x = F.relu(x + short if i == len(strides) - 1 else x)
        return x

    def encode(self, x):
        small = self.config["model.stem"] == "small"
        x = F.relu(self.norm(self.conv(x, "encoder.conv1", 1 if small else 2), "encoder.bn1"))
        if not small:
            lo, hi = self.pads(x.shape[2], 3, 2)
            x = F.max_pool2d(F.pad(x, (lo, hi, lo, hi), value=-float("inf")), 3, 2)
        for layer in range(1, 5):
            i = 0
            while f"encoder.layer{layer}.{i}.conv1.weight" in self.p:
                x = self.block(x, f"encoder.layer{layer}.{i}", 2 if layer > 1 and i == 0 else 1)
                i += 1
        return x.mean((2, 3))

    def head(self, x, name):
        x = F.linear(x, self.p[name + ".linear1.weight"], self.p[name + ".linear1.bias"])
        return F.linear(F.relu(self.norm(x, name + ".bn1")), self.p[name + ".linear2.weight"])


def unit(x):
    return x / torch.sqrt(torch.clamp((x * x).sum(1, keepdim=True), min=EPS_NORMALISE))


def relic(o, t, candidates, config):
    """Spec 2.3: contrastive and invariance terms, and the loss."""
    large, views, mode = len(t), len(o), int(config["loss.small_mode"])
    tau, diagonal = float(config["loss.temperature"]), config["loss.diagonal"] == "true"
    logp = [[F.log_softmax((o[a][:, None] * t[b][candidates]).sum(2) / tau, 1) for b in range(large)] for a in range(views)]

    def kl(teacher, student):
        teacher = teacher.detach()
        return (teacher.exp() * (teacher - student)).sum(1).mean()

    con, inv, pairs = 0, 0, 0
    for a in range(views):
        for b in range(large):
            if a == b and not diagonal:
                continue
            pairs += 1
            con = con - logp[a][b][:, 0].mean()
            if a < large:
                inv = inv + kl(logp[b][a], logp[a][b])
            elif mode == 1:
                inv = inv + kl(logp[b][b], logp[a][b])
            elif mode == 2:
                inv = inv + kl(logp[a][b], logp[b][b])
            elif mode == 4:
                others = torch.stack([logp[c][b].exp() for c in range(large) if c != b]).mean(0)
                inv = inv + kl(others.log(), logp[a][b])
    con, inv = con / pairs, inv / pairs
    return float(config["loss.contrast"]) * con + float(config["loss.invariance"]) * inv, con, inv


worst = {}


def compare(what, ours, theirs, tolerance, absolute=0.0):
    ours, theirs = torch.as_tensor(ours, dtype=torch.float64), theirs.detach()
    scale = theirs.norm() / max(theirs.numel(), 1) ** 0.5 + 1e-300
    error = float((ours - theirs).norm() / max(theirs.numel(), 1) ** 0.5)
    bad = not error <= tolerance * float(scale) + absolute
    kind = what.split("/")[0]
    worst[kind] = max(worst.get(kind, 0), error / float(scale) if float(scale) > absolute else 0)
    if bad:
        print(f"{what}: differs by {error:.3g} (rms), of {float(scale):.3g}")
    return bad


def running(before, net_seen, views, decay):
    for mean, var in net_seen[:views]:
        before = decay * before + (1 - decay) * torch.stack([mean, var])
    return before


def main(path):
    f = h5py.File(path)
    text = f["config"][()]
    config = read_config(text.decode() if isinstance(text, bytes) else text.asstr())
    large, small = int(config["views.large"]), int(config["views.small"])
    before, after = tree(f["before"]), tree(f["after"])
    part = lambda d, kind: {k[len(kind) + 1:]: v for k, v in d.items() if k.startswith(kind + ".")}
    online = part(before, "params")
    for v in online.values():
        v.requires_grad_(True)
    views = [torch.tensor(f[f"views/{v}"][()], dtype=torch.float64).permute(0, 3, 1, 2) for v in range(large + small)]
    candidates = torch.tensor(f["candidates"][()], dtype=torch.long)

    net, target = Net(online, config), Net(part(before, "target"), config)
    o = [unit(net.head(net.head(net.encode(x), "projector"), "predictor")) for x in views]
    with torch.no_grad():
        t = [unit(target.head(target.encode(x), "projector")) for x in views[:large]]
    loss, con, inv = relic(o, t, candidates, config)
    loss.backward()

    bad = 0
    for v in range(large + small):
        bad += compare(f"o/{v}", f[f"o/{v}"][()], o[v], 2e-5)
    for b in range(large):
        bad += compare(f"t/{b}", f["t"][b], t[b], 2e-5)
    bad += compare("loss/all", f["loss"][()], torch.stack([loss, con, inv]), 2e-5)

    gradients, momentum, moved = tree(f["gradients"]), part(after, "momentum"), part(after, "params")
    lr, ema = float(f["lr"][()]), float(f["ema"][()])
    wd, eta, mu = (float(config["optim." + k]) for k in ("weight_decay", "eta", "momentum"))
    total = torch.sqrt(sum((p.grad ** 2).sum() for p in online.values() if p.grad is not None))
    bad += compare("gradient_norm/all", f["gradient_norm"][()], total, 1e-4)
    for name, p in online.items():
        g = p.grad if p.grad is not None else torch.zeros_like(p)
        # A bias before a batch norm has gradient 0 but for rounding: hence the absolute part.
        bad += compare("gradients/" + name, gradients[name], g, 1e-3, 1e-6 * float(total))
        plain = p.dim() == 1
        g = gradients[name] if plain else gradients[name] + wd * p.detach()
        ratio = 1.0 if plain or not p.norm() > 0 or not g.norm() > 0 else eta * float(p.detach().norm() / g.norm())
        m = mu * before["momentum." + name] + ratio * g
        bad += compare("momentum/" + name, momentum[name], m, 1e-5, 1e-12)
        new = p.detach() - lr * m
        bad += compare("params/" + name, moved[name], new, 1e-6, 1e-9)
        xi = ema * before["target." + name] + (1 - ema) * new
        bad += compare("target/" + name, after["target." + name], xi, 1e-6, 1e-9)

    decay = float(config["model.norm_decay"])
    views_counted = large + small if config["model.small_stats"] == "true" else large
    for kind, run, count in (("stats", net, views_counted), ("target_stats", target, large)):
        for name, old in part(before, kind).items():
            if name in run.seen:
                bad += compare(f"{kind}/{name}", after[f"{kind}.{name}"], running(old, run.seen[name], count, decay), 2e-5, 1e-7)
    print("largest relative differences: " + ", ".join(f"{k} {v:.1e}" for k, v in worst.items()))
    print("agrees with PyTorch" if not bad else f"{bad} arrays differ")
    return 1 if bad else 0


if len(sys.argv) != 2:
    sys.exit(__doc__)
sys.exit(main(sys.argv[1]))
