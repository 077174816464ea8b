"""Reference values of packages/statistics, by software that we did not write.

    apt-get install python3-sklearn python3-statsmodels python3-scipy     (Debian 12)
    /usr/bin/python3 make.py

writes data/*.csv (four data sets that ship with scikit-learn, as they stand there; three with a coarse category
added, so that there is something to count) and vectors/reference.json. Both are committed; the tests read them and nothing
else. What each figure is follows the call that makes it; WOE and IV, which none of the libraries has, are their
textbook definition (Siddiqi 2006) in six lines below.
"""
import json
import math
import sys
from pathlib import Path

import numpy as np
import scipy
import scipy.optimize as optimize
import scipy.stats as stats
import sklearn
import statsmodels
import statsmodels.api as sm
from sklearn import datasets
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.tree import DecisionTreeRegressor

here = Path(__file__).parent


def cut(values, edges, names):
    """The name of the half-open interval of each value: below edges[0], from edges[0] to below edges[1], ..."""
    return [names[int(np.searchsorted(edges, v, side="right"))] for v in values]


def table(name, columns, rows):
    """Writes a CSV with ten significant digits of each number, and returns the columns by name."""
    text = "\n".join(",".join(str(c) for c in r) for r in [columns] + rows) + "\n"
    (here / "data" / f"{name}.csv").write_text(text)
    return {c: [r[i] for r in rows] for i, c in enumerate(columns)}


def shortest(v):
    return f"{float(v):.10g}"


def load():
    slug = lambda s: s.replace(" (cm)", "").replace("/", " ").replace(" ", "_").replace("_of_diluted_wines", "")
    out = {}
    iris = datasets.load_iris()
    names = [slug(n) for n in iris.feature_names] + ["species"]
    rows = [[shortest(v) for v in r] + [iris.target_names[t]] for r, t in zip(iris.data, iris.target)]
    out["iris"] = (names, table("iris", names, rows))
    wine = datasets.load_wine()
    names = [slug(n) for n in wine.feature_names] + ["cultivar", "strength"]
    strength = cut(wine.data[:, 0], [12.5, 13.5], ["light", "medium", "strong"])
    rows = [[shortest(v) for v in r] + [f"c{t}", s] for r, t, s in zip(wine.data, wine.target, strength)]
    out["wine"] = (names, table("wine", names, rows))
    diabetes = datasets.load_diabetes(scaled=False)
    names = list(diabetes.feature_names) + ["progression", "severe", "generation"]
    generation = cut(diabetes.data[:, 0], [40, 55], ["young", "middle", "old"])
    severe = (diabetes.target > np.median(diabetes.target)).astype(int)
    rows = [
        [shortest(v) for v in r] + [shortest(t), s, g]
        for r, t, s, g in zip(diabetes.data, diabetes.target, severe, generation)
    ]
    out["diabetes"] = (names, table("diabetes", names, rows))
    cancer = datasets.load_breast_cancer()
    names = [slug(n) for n in cancer.feature_names] + ["benign", "size"]
    size = cut(cancer.data[:, 0], [12, 15, 18], ["small", "middle", "large", "huge"])
    rows = [[shortest(v) for v in r] + [int(t), s] for r, t, s in zip(cancer.data, cancer.target, size)]
    out["cancer"] = (names, table("cancer", names, rows))
    return out


def numbers(data, names):
    return np.array([[float(v) for v in data[n]] for n in names]).T


def moments(data, names):
    x = numbers(data, names)
    levels = [0.1, 0.25, 0.5, 0.75, 0.9]
    return {
        "columns": names,
        "count": len(x),
        # Exact sums of what stands in the file, rounded once.
        "sum": [math.fsum(column) for column in x.T],
        "mean": x.mean(0),
        "variance": x.var(0, ddof=1),
        "std": x.std(0, ddof=1),
        "covariance": np.cov(x.T),
        "pearson": np.corrcoef(x.T),
        "spearman": stats.spearmanr(x).correlation,
        "minimum": x.min(0),
        "maximum": x.max(0),
        "levels": levels,
        # Type 7 of Hyndman and Fan (1996), the default of numpy and R.
        "quantiles": np.quantile(x, levels, axis=0, method="linear").T,
    }


def welch(data, value, by, one, other):
    a, b = ([float(v) for v, g in zip(data[value], data[by]) if g == level] for level in (one, other))
    found = stats.ttest_ind(a, b, equal_var=False)
    va, vb, na, nb = np.var(a, ddof=1), np.var(b, ddof=1), len(a), len(b)
    df = (va / na + vb / nb) ** 2 / ((va / na) ** 2 / (na - 1) + (vb / nb) ** 2 / (nb - 1))
    return {"value": value, "by": by, "one": one, "other": other, "t": found.statistic, "df": df, "p": found.pvalue}


def histogram(data, value, edges):
    """numpy's last bin is closed at its end, and there are none outside: infinite ends make them ours."""
    found, _ = np.histogram(numbers(data, [value])[:, 0], bins=[-np.inf, *edges, np.inf])
    return {"value": value, "edges": edges, "counts": found}


def counts(data, rows, columns):
    rl, cl = sorted(set(data[rows])), sorted(set(data[columns]))
    grid = [[sum(1 for a, b in zip(data[rows], data[columns]) if (a, b) == (r, c)) for c in cl] for r in rl]
    return rl, cl, np.array(grid)


def chi_square(data, rows, columns):
    rl, cl, grid = counts(data, rows, columns)
    statistic, p, df, _ = stats.chi2_contingency(grid, correction=False)
    return {"rows": rows, "columns": columns, "rowLevels": rl, "columnLevels": cl, "counts": grid,
            "statistic": statistic, "df": df, "p": p}


def anova(data, value, by):
    levels = sorted(set(data[by]))
    groups = [[float(v) for v, g in zip(data[value], data[by]) if g == level] for level in levels]
    found = stats.f_oneway(*groups)
    return {"value": value, "by": by, "levels": levels, "f": found.statistic, "p": found.pvalue,
            "means": [np.mean(g) for g in groups], "variances": [np.var(g, ddof=1) for g in groups],
            "counts": [len(g) for g in groups], "sums": [math.fsum(g) for g in groups]}


def ols(data, y, names):
    fit = sm.OLS(numbers(data, [y])[:, 0], sm.add_constant(numbers(data, names))).fit()
    return {"y": y, "x": names, "coefficients": fit.params, "errors": fit.bse, "t": fit.tvalues, "p": fit.pvalues,
            "rSquared": fit.rsquared, "f": fit.fvalue, "fp": fit.f_pvalue}


def encoded(data, y, names, by, levels, flag):
    """Treatment coding: a column of 0 and 1 for each level named, beside the numeric ones; a level as the label too."""
    column, level = flag
    coded = {f"{by}={k}": [str(int(v == k)) for v in data[by]] for k in levels}
    both = {**data, **coded, "flag": [str(int(v == level)) for v in data[column]]}
    wide = names + list(coded)
    return {"y": y, "x": names, "by": by, "levels": levels, "flag": flag, "ols": ols(both, y, wide),
            "logit": logit(both, "flag", names)}


def standardised(x):
    return (x - x.mean(0)) / x.std(0)


def ridge(data, y, names, penalty):
    fit = Ridge(alpha=penalty).fit(standardised(numbers(data, names)), numbers(data, [y])[:, 0])
    return {"y": y, "x": names, "penalty": penalty, "coefficients": fit.coef_, "intercept": fit.intercept_}


def logistic_ridge(data, y, names, penalty):
    fit = LogisticRegression(C=1 / penalty, tol=1e-7, max_iter=1000, solver="newton-cg")
    fit.fit(standardised(numbers(data, names)), numbers(data, [y])[:, 0].astype(int))
    return {"y": y, "x": names, "penalty": penalty, "coefficients": fit.coef_[0], "intercept": fit.intercept_[0]}


def logit(data, y, names):
    fit = sm.Logit(numbers(data, [y])[:, 0], sm.add_constant(numbers(data, names))).fit(tol=1e-12, maxiter=100, disp=0)
    return {"y": y, "x": names, "coefficients": fit.params, "errors": fit.bse, "z": fit.tvalues, "p": fit.pvalues}


def weighted(data, names, y, flag, weight, penalty):
    """Analytic weights: the same for any unit that they are measured in, but for logistic models, where they are frequencies."""
    x, w = numbers(data, names), numbers(data, [weight])[:, 0]
    t, f = numbers(data, [y])[:, 0], numbers(data, [flag])[:, 0].astype(int)
    mean = np.average(x, axis=0, weights=w)
    scaled = (x - mean) / np.sqrt(np.average((x - mean) ** 2, axis=0, weights=w))
    wls = sm.WLS(t, sm.add_constant(x), weights=w).fit()
    glm = sm.GLM(f, sm.add_constant(x), family=sm.families.Binomial(), freq_weights=w).fit(tol=1e-12)
    ridge = LogisticRegression(C=1 / penalty, tol=1e-8, max_iter=1000, solver="newton-cg").fit(scaled, f, sample_weight=w)
    covariance = np.cov(x.T, aweights=w)
    d = np.sqrt(np.diag(covariance))
    return {"columns": names, "y": y, "flag": flag, "weight": weight, "penalty": penalty, "total": w.sum(), "mean": mean,
            "covariance": covariance, "correlation": covariance / np.outer(d, d),
            "ols": {"coefficients": wls.params, "errors": wls.bse, "p": wls.pvalues, "rSquared": wls.rsquared},
            "logit": {"coefficients": glm.params, "errors": glm.bse},
            "ridge": {"coefficients": ridge.coef_[0]}}


def k_means(data, names, starts, iterations):
    x = numbers(data, names)
    fit = KMeans(n_clusters=len(starts), init=x[starts], n_init=1, max_iter=300, tol=0).fit(x)
    assert fit.n_iter_ <= iterations, "the centres rest within the iterations that the tests allow"
    return {"columns": names, "starts": x[starts], "iterations": iterations, "centres": fit.cluster_centers_,
            "sizes": np.bincount(fit.labels_), "inertia": fit.inertia_}


def pca(data, names, standard):
    x = numbers(data, names)
    x = standardised(x) if standard else x
    values, vectors = np.linalg.eigh(np.cov(x.T))
    order = np.argsort(values)[::-1]
    return {"columns": names, "standardised": standard, "variances": values[order],
            "ratios": values[order] / values.sum(), "components": vectors[:, order].T}


def woe(data, value, y, edges):
    """Bins as `cut`; WOE = ln(share of the y = 0 rows / share of the y = 1 rows), IV = sum of (difference) * WOE."""
    names = [str(i) for i in range(len(edges) + 1)]
    bins = cut([float(v) for v in data[value]], edges, names)
    good = np.array([sum(1 for b, t in zip(bins, data[y]) if b == n and int(t) == 0) for n in names])
    bad = np.array([sum(1 for b, t in zip(bins, data[y]) if b == n and int(t) == 1) for n in names])
    g, b = good / good.sum(), bad / bad.sum()
    return {"value": value, "y": y, "edges": edges, "woe": np.log(g / b), "iv": float(((g - b) * np.log(g / b)).sum())}


def label_counts(x, t, edges):
    bins = np.searchsorted(edges, x, side="right")
    return np.array([[np.sum((bins == k) & (t == label)) for label in (0, 1)] for k in range(len(edges) + 1)])


def frequency_edges(x, k):
    """The value at the rank of the first row of each bin; edges that coincide, or have nothing below them, are one."""
    edges = np.unique([np.sort(x)[(i * len(x)) // k] for i in range(1, k)])
    return edges[edges > x.min()]


def chi_merge(counts, edges, to, threshold):
    """Kerber (1992), with scipy's statistic of each pair of neighbours."""
    counts, edges = counts.tolist(), list(edges)
    while len(counts) > 1:
        pairs = [np.array([a, b]) for a, b in zip(counts, counts[1:])]
        chi = [stats.chi2_contingency(g, correction=False)[0] if (g.sum(0) > 0).all() else 0.0 for g in pairs]
        i = int(np.argmin(chi))
        if len(counts) <= to and chi[i] >= threshold:
            break
        counts[i : i + 2] = [[counts[i][0] + counts[i + 1][0], counts[i][1] + counts[i + 1][1]]]
        del edges[i]
    return np.array(counts), edges


def evidence(counts):
    share = counts / counts.sum(0)
    woe = np.log(share[:, 0] / share[:, 1])
    return woe, float(((share[:, 0] - share[:, 1]) * woe).sum())


def binning(data, value, y, k, merge):
    x, t = numbers(data, [value])[:, 0], numbers(data, [y])[:, 0].astype(int)
    edges = frequency_edges(x, k)
    counts = label_counts(x, t, edges)
    if merge:
        counts, edges = chi_merge(counts, edges, merge["to"], merge["threshold"])
    woe, iv = evidence(counts)
    return {"value": value, "y": y, "bins": k, "merge": merge or {}, "edges": edges, "woe": woe, "iv": iv}


def importance(data, names, y, k):
    found = [(binning(data, n, y, k, None)["iv"], n) for n in names]
    return {"columns": names, "y": y, "bins": k, "order": [n for _, n in sorted(found, reverse=True)],
            "values": sorted((v for v, _ in found), reverse=True)}


def scorecard(data, cuts, y, points):
    """Siddiqi (2006), with half a row added to every count; the model is that of statsmodels."""
    t = numbers(data, [y])[:, 0].astype(int)
    columns, woes = [], []
    for name, k in cuts:
        x = numbers(data, [name])[:, 0]
        edges = frequency_edges(x, k)
        counts = label_counts(x, t, edges) + 0.5
        total = np.array([np.sum(t == 0), np.sum(t == 1)]) + 0.5
        woe = np.log(counts[:, 0] / counts[:, 1]) - math.log(total[0] / total[1])
        columns.append(woe[np.searchsorted(edges, x, side="right")])
        woes.append(woe)
    fit = sm.Logit(t, sm.add_constant(np.array(columns).T)).fit(tol=1e-12, maxiter=100, disp=0)
    factor = points["double"] / math.log(2)
    offset = points["base"] - factor * math.log(points["odds"])
    exact = [-factor * (b * w + fit.params[0] / len(cuts)) + offset / len(cuts) for b, w in zip(fit.params[1:], woes)]
    return {"cuts": [[n, k] for n, k in cuts], "y": y, "points": points, "coefficients": fit.params, "errors": fit.bse,
            "woe": woes, "exact": exact}


def tree(data, cuts, y, depth, trees, rate, objective):
    """Trees of scikit-learn on the numbers of bins; what surrounds them (Friedman 2001) is written out. The logistic leaf is
    the step of Boehning and Lindsay (1988): 4 times the mean residual."""
    t = numbers(data, [y])[:, 0]
    edges = [frequency_edges(numbers(data, [n])[:, 0], k) for n, k in cuts]
    bins = np.array([np.searchsorted(e, numbers(data, [n])[:, 0], side="right") for (n, _), e in zip(cuts, edges)]).T
    base = t.mean() if objective == "squares" else 0.0
    fitted = np.full(len(t), base)
    grown = []
    for _ in range(trees):
        residual = t - (fitted if objective == "squares" else 1 / (1 + np.exp(-fitted)))
        fit = DecisionTreeRegressor(max_depth=depth, random_state=0).fit(bins, residual).tree_
        splits, leaves, queue = [], [], [0]
        for level in range(depth):
            splits += [[cuts[fit.feature[n]][0], edges[fit.feature[n]][int(math.floor(fit.threshold[n]))]] for n in queue]
            queue = [child for n in queue for child in (fit.children_left[n], fit.children_right[n])]
        step = 1 if objective == "squares" else 4
        leaves = [step * fit.value[n].item() for n in queue]
        fitted = fitted + rate * step * fit.predict(bins.astype(np.float32))[:, 0]
        grown.append({"splits": splits, "leaves": leaves})
    return {"cuts": [[n, k] for n, k in cuts], "y": y, "depth": depth, "trees": trees, "rate": rate,
            "objective": objective, "base": base, "grown": grown}


def zcdp():
    """Canonne, Kamath and Steinke (arXiv 2004.00010, corollary 13), the least bound over all orders; the inverse by bisection."""
    def log_delta(rho, eps):
        bound = lambda a: (a - 1) * (a * rho - eps) + a * math.log1p(-1 / a) - math.log(a - 1)
        best = optimize.minimize_scalar(lambda u: bound(1.01 + math.exp(u)), bounds=(-20, 20), method="bounded",
                                        options={"xatol": 1e-12})
        return best.fun

    def epsilon(rho, d):
        return optimize.brentq(lambda e: log_delta(rho, e) - math.log(d), 1e-9, 60, xtol=1e-13)

    return {"delta": [[r, e, math.exp(log_delta(r, e))] for r, e in ((0.025, 1), (0.1, 2), (0.5, 3), (0.001, 0.2), (2, 8))],
            "epsilon": [[r, d, epsilon(r, d)] for r in (0.001, 0.025, 0.125, 0.5, 2) for d in (1e-9, 1e-6, 1e-5)]}


def p_values():
    t = [[x, df, 2 * stats.t.sf(abs(x), df)] for x in (0, 0.3, 1, 2.5, 7, 30) for df in (1, 2.5, 10, 97.3, 1e5)]
    f = [[x, a, b, stats.f.sf(x, a, b)] for x in (0, 0.2, 1, 3.3, 20, 400) for a, b in ((1, 1), (2, 147), (10, 431), (29, 1e5))]
    c = [[x, df, stats.chi2.sf(x, df)] for x in (0, 0.1, 1, 5, 40, 600) for df in (1, 2, 7, 100)]
    z = [[x, 2 * stats.norm.sf(abs(x))] for x in (0, 0.1, 1, 1.96, 5, 12)]
    return {"t": t, "f": f, "chiSquare": c, "normal": z}


def plain(v):
    if isinstance(v, dict):
        return {k: plain(w) for k, w in v.items()}
    if isinstance(v, (list, tuple, np.ndarray)):
        return [plain(w) for w in v]
    if isinstance(v, (bool, str)):
        return v
    if isinstance(v, (int, np.integer)):
        return int(v)
    assert math.isfinite(v), "every reference value is finite"
    return float(v)


def main():
    sets = {name: data for name, (_, data) in load().items()}
    header = {name: names for name, (names, _) in load().items()}
    iris, wine, diabetes, cancer = (sets[n] for n in ("iris", "wine", "diabetes", "cancer"))
    measures = {"iris": header["iris"][:4], "wine": header["wine"][:13], "diabetes": header["diabetes"][:11],
                "cancer": header["cancer"][:30]}
    body = ["age", "sex", "bmi", "bp"]
    reference = {
        "madeWith": {"python": sys.version.split()[0], "numpy": np.__version__, "scipy": scipy.__version__,
                     "scikit-learn": sklearn.__version__, "statsmodels": statsmodels.__version__},
        "moments": {name: moments(sets[name], names) for name, names in measures.items()},
        "welch": [{"data": "iris", **welch(iris, m, "species", "versicolor", "virginica")} for m in measures["iris"]]
        + [{"data": "diabetes", **welch(diabetes, "progression", "generation", "young", "old")}],
        "histogram": [{"data": "iris", **histogram(iris, "sepal_length", [4.5, 5, 5.5, 6, 7.5])},
                      {"data": "cancer", **histogram(cancer, "mean_texture", [12, 15, 18, 22, 30])}],
        "chiSquare": [{"data": "wine", **chi_square(wine, "cultivar", "strength")},
                      {"data": "diabetes", **chi_square(diabetes, "generation", "severe")}],
        "anova": [{"data": "iris", **anova(iris, m, "species")} for m in measures["iris"]]
        + [{"data": "diabetes", **anova(diabetes, "progression", "generation")}],
        "ols": [{"data": "diabetes", **ols(diabetes, "progression", header["diabetes"][:10])},
                {"data": "iris", **ols(iris, "petal_width", measures["iris"][:3])},
                {"data": "wine", **ols(wine, "proline", ["alcohol", "magnesium", "hue"])}],
        "encoded": [{"data": "wine", **encoded(wine, "proline", ["alcohol", "hue"], "cultivar", ["c1", "c2"],
                                               ["strength", "medium"])}],
        "ridge": [{"data": "diabetes", **ridge(diabetes, "progression", header["diabetes"][:10], 10.0)},
                  {"data": "cancer", **ridge(cancer, "benign", measures["cancer"], 5.0)}],
        "logisticRidge": [{"data": "cancer", **logistic_ridge(cancer, "benign", measures["cancer"], 1.0)},
                          {"data": "diabetes", **logistic_ridge(diabetes, "severe", body, 1.0)}],
        "logit": [{"data": "diabetes", **logit(diabetes, "severe", body)}],
        "weighted": [{"data": "diabetes", **weighted(diabetes, ["bmi", "bp", "s3"], "progression", "severe", "age", 10.0)}],
        "kMeans": [{"data": "iris", **k_means(iris, measures["iris"], [0, 50, 100], 12)},
                   {"data": "wine", **k_means(wine, ["alcohol", "flavanoids", "hue"], [0, 70, 150], 12)}],
        "pca": [{"data": "iris", **pca(iris, measures["iris"], False)},
                {"data": "wine", **pca(wine, measures["wine"], True)}],
        "woe": [{"data": "diabetes", **woe(diabetes, "bmi", "severe", [23, 25, 28, 32])},
                {"data": "cancer", **woe(cancer, "mean_texture", "benign", [15, 18, 22])}],
        "binning": [{"data": "diabetes", **binning(diabetes, "bmi", "severe", 6, None)},
                    {"data": "cancer", **binning(cancer, "mean_texture", "benign", 10, {"to": 4, "threshold": 3.84})},
                    {"data": "diabetes", **binning(diabetes, "bp", "severe", 10, {"to": 8, "threshold": 3.84})}],
        "importance": [{"data": "diabetes", **importance(diabetes, ["age", "bmi", "bp", "s3", "s5"], "severe", 5)}],
        "scorecard": [{"data": "diabetes", **scorecard(diabetes, [("bmi", 5), ("bp", 4), ("s5", 5)], "severe",
                                                       {"base": 600, "odds": 50, "double": 20})}],
        "trees": [{"data": "diabetes", **tree(diabetes, [("bmi", 6), ("bp", 5), ("s5", 6)], "progression", 2, 1, 1.0, "squares")},
                  {"data": "diabetes", **tree(diabetes, [("bmi", 6), ("bp", 5), ("s5", 6)], "progression", 2, 3, 0.3, "squares")},
                  {"data": "diabetes", **tree(diabetes, [("bmi", 6), ("bp", 5), ("s5", 6)], "severe", 2, 2, 0.5, "logistic")}],
        "zcdp": zcdp(),
        "pValues": p_values(),
    }
    text = json.dumps(plain(reference), separators=(",", ":"))
    # A line a section, so that a change shows where it is.
    (here / "vectors" / "reference.json").write_text(text.replace('},"', '},\n"').replace('],"', '],\n"') + "\n")


main()
