"""How fast is crmlab.pls, and how much faster than plspm 0.5.7? Run: python tests/bench/bench_pls.py

plspm needs pandas 2, so it gets an environment of its own in the folder for temporary files, made by uv at the first
run. Both fit the same sample, which has exactly the published correlations of the ECSI mobile-phone survey. They take
turns, and the shortest processor time of each counts: a busy machine changes it little. plspm runs its resamples one by one
(its own parallel bootstrap repeats resamples).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pls"))

from pls_models import BLOCKS, PATHS, published_sample

from crmlab.pls import PLSPathModel

PEER = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import numpy as np, pandas as pd
import plspm.config as c
from plspm.mode import Mode
from plspm.plspm import Plspm
from plspm.scheme import Scheme

folder = sys.argv[1]
model = json.load(open(folder + "/model.json"))
data = pd.read_csv(folder + "/sample.csv")
structure = c.Structure()
for predictor, outcome in model["paths"]:
    structure.add_path([predictor], [outcome])
config = c.Config(structure.path(), scaled=False)  # the sample is standardised already; scaled=True is wrong
for latent, items in model["blocks"].items():
    config.add_lv(latent, Mode.A, *[c.MV(item) for item in items])

def fit(sample, scheme):
    started = time.process_time()
    out = Plspm(sample, config, scheme, 300, 1e-12)
    return time.process_time() - started, out

rng = np.random.default_rng(1)
for line in sys.stdin:  # one job a line, one answer a line
    job, scheme = line.split()
    sample = data
    if job == "resample":
        sample = data.iloc[rng.integers(0, len(data), len(data))].reset_index(drop=True)
        sample = (sample - sample.mean()) / sample.std(ddof=0)
    seconds, result = fit(sample, Scheme[scheme.upper()])
    out = {"seconds": seconds}
    if job == "estimates":
        out["weights"] = result.outer_model()["weight"].to_dict()
        out["paths"] = result.path_coefficients().T.to_dict("index")
    print(json.dumps(out), flush=True)
"""


class Peer:
    """plspm in its own environment, asked line by line about `sample`, population-standardised as it expects."""

    def __init__(self, sample: pd.DataFrame, folder: str) -> None:
        home = Path(tempfile.gettempdir()) / "crmlab-bench-plspm"
        python = home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        if not python.exists():
            subprocess.run(["uv", "venv", "-q", "--python", sys.executable, str(home)], check=True)
            packages = ["plspm==0.5.7", "pandas<3", "numpy<2.3", "scipy", "statsmodels"]
            subprocess.run(["uv", "pip", "install", "-q", "--python", str(python), *packages], check=True)
        ((sample - sample.mean()) / sample.std(ddof=0)).to_csv(f"{folder}/sample.csv", index=False)
        Path(folder, "model.json").write_text(json.dumps({"blocks": BLOCKS, "paths": PATHS}))
        command = [str(python), "-c", PEER, folder]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, job: str, scheme: str = "centroid") -> dict:
        """Return the answer to "fit", "resample" or "estimates"."""
        self.process.stdin.write(f"{job} {scheme}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        """End plspm."""
        self.process.stdin.close()
        self.process.wait()


def shortest(job: Callable[[], object], repeats: int) -> float:
    """Return the seconds of the fastest of some runs."""
    times = []
    for _ in range(repeats):
        started = time.process_time()
        job()
        times.append(time.process_time() - started)
    return min(times)


def compare(peer: Peer, sample: pd.DataFrame, scheme: str) -> None:
    """Print how far estimates differ, and both times, taken in turns."""
    theirs = peer.ask("estimates", scheme)
    result = PLSPathModel(sample, BLOCKS, PATHS, scheme=scheme).fit()
    paths = pd.DataFrame(theirs["paths"]).T.loc[list(BLOCKS), list(BLOCKS)]
    gap = (result.outer_weights - pd.Series(theirs["weights"])).abs().max()
    path_gap = (result.path_coefficients - paths).abs().to_numpy().max()
    print(f"{scheme:10s} largest difference from plspm: weights {gap:.1e}, paths {path_gap:.1e}")
    ours = []
    others = []
    for _ in range(30):
        others.append(peer.ask("fit", scheme)["seconds"])
        ours.append(shortest(lambda: PLSPathModel(sample, BLOCKS, PATHS, scheme=scheme).fit(), 20))
    report(f"{scheme} fit, 250 x 24", min(ours), min(others))


def report(what: str, ours: float, theirs: float) -> None:
    """Print two times and their ratio."""
    print(f"{what:26s}{ours * 1e3:8.3f} ms   plspm {theirs * 1e3:7.1f} ms   ratio {theirs / ours:7.0f}")


def main() -> None:
    sample = published_sample()
    with tempfile.TemporaryDirectory() as folder:
        peer = Peer(sample, folder)
        for scheme in ("centroid", "factorial", "path"):
            compare(peer, sample, scheme)
        result = PLSPathModel(sample, BLOCKS, PATHS, scheme="centroid").fit()
        theirs = min(peer.ask("resample")["seconds"] for _ in range(30))
        ours = shortest(lambda: result.bootstrap(1000), 5) / 1000
        report("one resample", ours, theirs)
        peer.close()

    rng = np.random.default_rng(2)
    big = sample.iloc[rng.integers(0, len(sample), 100_000)].reset_index(drop=True)
    big += rng.normal(scale=0.1, size=big.shape)
    seconds = shortest(lambda: PLSPathModel(big, BLOCKS, PATHS).fit(), 3)
    print(f"fit 100,000:     {seconds:8.3f} s")
    large = PLSPathModel(big, BLOCKS, PATHS).fit()
    seconds = shortest(lambda: large.bootstrap(100), 1)
    print(f"100 resamples:   {seconds:8.3f} s   of 100,000 respondents")
    gaps = PLSPathModel(sample.mask(rng.random(sample.shape) < 0.03), BLOCKS, PATHS).fit()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seconds = shortest(lambda: gaps.bootstrap(1000), 3)
    print(f"1,000 resamples: {seconds:8.3f} s   with 3 % missing answers")


if __name__ == "__main__":
    main()
