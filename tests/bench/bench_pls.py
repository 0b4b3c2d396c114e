"""How fast is crmlab.pls, and how much faster than plspm 0.5.7? Run: python tests/bench/bench_pls.py

plspm needs pandas 2, so it gets an environment of its own in the folder for temporary files, made by uv at the first
run. Both fit the same sample, which has exactly the published correlations of the ECSI mobile-phone survey. Times are
medians; plspm runs its 60 resamples one by one (its own parallel bootstrap repeats resamples).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from crmlab.pls import PLSPathModel
from tests.test_pls import BLOCKS, PATHS, published_sample

PEER = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import numpy as np, pandas as pd
import plspm.config as c
from plspm.mode import Mode
from plspm.plspm import Plspm
from plspm.scheme import Scheme

folder, resamples = sys.argv[1], int(sys.argv[2])
model = json.load(open(folder + "/model.json"))
data = pd.read_csv(folder + "/sample.csv")
structure = c.Structure()
for predictor, outcome in model["paths"]:
    structure.add_path([predictor], [outcome])
config = c.Config(structure.path(), scaled=False)  # the sample is standardised already; scaled=True is wrong
for latent, items in model["blocks"].items():
    config.add_lv(latent, Mode.A, *[c.MV(item) for item in items])

def fit(sample, scheme=Scheme.CENTROID):
    started = time.perf_counter()
    out = Plspm(sample, config, scheme, 300, 1e-12)
    return time.perf_counter() - started, out

out = {"weights": {}, "paths": {}}
for scheme in (Scheme.CENTROID, Scheme.FACTORIAL, Scheme.PATH):
    _, result = fit(data, scheme)
    out["weights"][scheme.name.lower()] = result.outer_model()["weight"].to_dict()
    out["paths"][scheme.name.lower()] = result.path_coefficients().T.to_dict("index")
out["fit"] = float(np.median([fit(data)[0] for _ in range(15)]))
rng, times = np.random.default_rng(1), []
for _ in range(resamples):
    sample = data.iloc[rng.integers(0, len(data), len(data))].reset_index(drop=True)
    times.append(fit((sample - sample.mean()) / sample.std(ddof=0))[0])
out["resample"] = float(np.mean(times))
print(json.dumps(out))
"""


def median_seconds(job, repeats: int) -> float:
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        job()
        times.append(time.perf_counter() - started)
    return float(np.median(times))


def peer(sample: pd.DataFrame, resamples: int) -> dict:
    """Run plspm in its own environment on `sample`, population-standardised as plspm expects."""
    home = Path(tempfile.gettempdir()) / "crmlab-bench-plspm"
    python = home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not python.exists():
        subprocess.run(["uv", "venv", "-q", "--python", sys.executable, str(home)], check=True)
        packages = ["plspm==0.5.7", "pandas<3", "numpy<2.3", "scipy", "statsmodels"]
        subprocess.run(["uv", "pip", "install", "-q", "--python", str(python), *packages], check=True)
    with tempfile.TemporaryDirectory() as folder:
        ((sample - sample.mean()) / sample.std(ddof=0)).to_csv(f"{folder}/sample.csv", index=False)
        Path(folder, "model.json").write_text(json.dumps({"blocks": BLOCKS, "paths": PATHS}))
        command = [str(python), "-c", PEER, folder, str(resamples)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main() -> None:
    sample = published_sample()
    theirs = peer(sample, resamples=60)
    for scheme, weights in theirs["weights"].items():
        result = PLSPathModel(sample, BLOCKS, PATHS, scheme=scheme).fit()
        paths = pd.DataFrame(theirs["paths"][scheme]).T.loc[list(BLOCKS), list(BLOCKS)]
        gap = (result.outer_weights - pd.Series(weights)).abs().max()
        path_gap = (result.path_coefficients - paths).abs().to_numpy().max()
        print(f"{scheme:10s} largest difference from plspm: weights {gap:.1e}, paths {path_gap:.1e}")

    fit = median_seconds(lambda: PLSPathModel(sample, BLOCKS, PATHS, scheme="centroid").fit(), 200)
    result = PLSPathModel(sample, BLOCKS, PATHS, scheme="centroid").fit()
    boot = median_seconds(lambda: result.bootstrap(1000), 5)
    print(
        f"fit 250 x 24:    {fit * 1e3:8.2f} ms   plspm {theirs['fit'] * 1e3:7.1f} ms   ratio {theirs['fit'] / fit:7.0f}"
    )
    per = boot / 1000
    print(
        f"one resample:    {per * 1e3:8.3f} ms   plspm {theirs['resample'] * 1e3:7.1f} ms   ratio {theirs['resample'] / per:7.0f}"
    )

    rng = np.random.default_rng(2)
    big = sample.iloc[rng.integers(0, len(sample), 100_000)].reset_index(drop=True)
    big += rng.normal(scale=0.1, size=big.shape)
    print(f"fit 100,000:     {median_seconds(lambda: PLSPathModel(big, BLOCKS, PATHS).fit(), 3):8.3f} s")
    large = PLSPathModel(big, BLOCKS, PATHS).fit()
    print(
        f"100 resamples:   {median_seconds(lambda: large.bootstrap(100), 1):8.3f} s   of 100,000 respondents"
    )
    holes = sample.mask(rng.random(sample.shape) < 0.03)
    gaps = PLSPathModel(holes, BLOCKS, PATHS).fit()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        print(
            f"1,000 resamples: {median_seconds(lambda: gaps.bootstrap(1000), 3):8.3f} s   with 3 % missing answers"
        )


if __name__ == "__main__":
    main()
