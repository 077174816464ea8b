"""Logistic scoring of the breast-cancer set by scikit-learn, as reference.json beside this file.

    python3 packages/homomorphic/reference/make.py

Features are those of packages/statistics/reference/data/cancer.csv. The model is fitted on standardised features and
folded back to their own units, so that a score is intercept + sum of weight * feature. Written with scikit-learn 1.2.1.
"""

import csv
import json
import math
import pathlib

import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

here = pathlib.Path(__file__).parent
source = here.parent.parent / "statistics" / "reference" / "data" / "cancer.csv"
with source.open() as file:
    records = list(csv.DictReader(file))
names = [name for name in records[0] if name not in ("benign", "size")]
x = [[float(record[name]) for name in names] for record in records]
y = [int(record["benign"]) for record in records]
scaler = StandardScaler().fit(x)
model = LogisticRegression(max_iter=1000).fit(scaler.transform(x), y)
weights = model.coef_[0] / scaler.scale_
intercept = model.intercept_[0] - (weights * scaler.mean_).sum()
# Decimals that the data have, but no more than 18 bits have room for: what an owner would declare.
decimals = [
    min(max(len(record[name].partition(".")[2]) for record in records), math.floor(math.log10(2**18 / max(column))))
    for name, column in zip(names, zip(*x))
]
out = {
    "made": f"scikit-learn {sklearn.__version__}",
    "columns": [{"name": n, "decimals": d} for n, d in zip(names, decimals)],
    "weights": list(weights),
    "intercept": intercept,
    "probabilities": list(model.predict_proba(scaler.transform(x))[:, 1]),
    "classes": [int(c) for c in model.predict(scaler.transform(x))],
}
(here / "reference.json").write_text(json.dumps(out, indent=1) + "\n")
