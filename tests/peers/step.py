#!/usr/bin/env python3
"""Training steps of ReLICv2 as PyTorch users would write them: seconds of each, one a line.

usage: step.py ARCH BATCH THREADS STEPS LAYOUT [VIEWS_LARGE VIEWS_SMALL]

torchvision's ResNet; LAYOUT is channels_last or contiguous, of which either may be PyTorch's best on a CPU.  Large views
go as one batch through the online and the target network, small ones as another; batch norm over each batch as torch
does it, the loss in closed form over all pairs, SGD with momentum and the moving average by torch._foreach.  The views
are random numbers that are there before: only the step is timed.  The last line is the peak memory in bytes.  Status 3:
what is missing.
"""
import copy
import resource
import sys
import time

try:
    import torch
    import torchvision
    from torch import nn
    from torch.nn import functional as F
except ImportError as e:
    print(e)
    sys.exit(3)


def head(width, hidden=4096, out=256):
    return nn.Sequential(nn.Linear(width, hidden), nn.BatchNorm1d(hidden), nn.ReLU(inplace=True),
                         nn.Linear(hidden, out, bias=False))


class Network(nn.Module):
    def __init__(self, arch):
        super().__init__()
        self.encoder = getattr(torchvision.models, arch)()
        width = self.encoder.fc.in_features
        self.encoder.fc = nn.Identity()
        self.projector, self.predictor = head(width), head(256)

    def project(self, x):
        return self.projector(self.encoder(x))

    def forward(self, x):
        return self.predictor(self.project(x))


def pair_loss(o, t, temperature=0.2):
    """Contrast of each of o's views with each of t's, and the divergence between the distributions."""
    logits = torch.einsum("abd,lcd->albc", o, t) / temperature
    log_p = F.log_softmax(logits, dim=-1)
    contrast = -torch.diagonal(log_p, dim1=-2, dim2=-1).mean()
    p = log_p.detach().mean(dim=0, keepdim=True)
    return contrast + (p.exp() * (p - log_p)).sum(-1).mean()


def main():
    arch, batch, threads, steps = sys.argv[1], *map(int, sys.argv[2:5])
    layout = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}[sys.argv[5]]
    views, small_views = map(int, sys.argv[6:8]) if len(sys.argv) > 7 else (4, 2)
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    online = Network(arch).to(memory_format=layout)
    target = copy.deepcopy(online).requires_grad_(False)
    large = torch.randn(views * batch, 3, 224, 224).contiguous(memory_format=layout)
    small = torch.randn(small_views * batch, 3, 96, 96).contiguous(memory_format=layout)
    weights = list(online.parameters())
    optimiser = torch.optim.SGD(weights, lr=0.1, momentum=0.9, weight_decay=1e-4, foreach=True)
    for _ in range(steps):
        start = time.perf_counter()
        with torch.no_grad():
            t = F.normalize(target.project(large), dim=-1).view(views, batch, -1)
        o = F.normalize(online(large), dim=-1).view(views, batch, -1)
        if small_views:
            o = torch.cat([o, F.normalize(online(small), dim=-1).view(small_views, batch, -1)])
        optimiser.zero_grad(set_to_none=True)
        pair_loss(o, t).backward()
        optimiser.step()
        with torch.no_grad():
            moved = list(target.parameters())
            torch._foreach_mul_(moved, 0.99)
            torch._foreach_add_(moved, weights, alpha=0.01)
        print(f"{time.perf_counter() - start:.4f}", flush=True)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


main()
