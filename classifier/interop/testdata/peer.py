"""The other side of interop_test.go.

peer.py make DIR: writes a table with missing values and categories, models of
XGBoost and LightGBM trained on it, and their margins (and contributions).
peer.py check DIR: writes the margins that the programs give for models that
were written by us.
"""
import json
import sys

import lightgbm
import numpy as np
import onnxruntime
import pandas as pd
import xgboost

mode, folder = sys.argv[1:]


def frame():
    x = pd.read_csv(f"{folder}/table.csv")
    y = x.pop("y")
    x["kind"] = pd.Categorical(x["kind"], categories=range(12))
    return x, y


def plain(x):
    x = x.copy()
    x["kind"] = x["kind"].astype(float)
    return x.to_numpy(float)


def save(name, margins):
    np.savetxt(f"{folder}/{name}.txt", np.asarray(margins, float).reshape(len(margins), -1), fmt="%.17g")


if mode == "make":
    rng = np.random.default_rng(3)
    n = 600
    x = pd.DataFrame({f"x{i}": rng.standard_normal(n).round(3) for i in range(5)})
    x["whole"] = rng.integers(0, 6, n).astype(float)
    kind = rng.integers(0, 12, n).astype(float)
    z = x["x0"] - x["x1"] * x["x2"] + (x["whole"] > 3) + np.isin(kind, [1, 4, 7]) * 1.5
    y = np.digitize(z + rng.standard_normal(n), [-0.5, 1.0])
    for i in range(3):
        x.loc[rng.random(n) < 0.15, f"x{i}"] = np.nan
    kind[rng.random(n) < 0.1] = np.nan
    x["kind"] = kind
    x["y"] = y
    x.to_csv(f"{folder}/table.csv", index=False)
    x, y = frame()
    types = ["q"] * 6 + ["c"]
    names = list(x.columns)
    tasks = {
        "logistic": ("binary:logistic", "binary", (y > 0).astype(int)),
        "softmax": ("multi:softprob", "multiclass", y),
        "squared": ("reg:squarederror", "regression", y + x["whole"] / 3),
        "poisson": ("count:poisson", "poisson", y),
    }
    for task, (xo, lo, t) in tasks.items():
        classes = {"num_class": 3} if task == "softmax" else {}
        d = xgboost.DMatrix(plain(x), t, feature_names=names, feature_types=types, enable_categorical=True)
        for booster in ["gbtree", "dart"] if task == "logistic" else ["gbtree"]:
            p = dict(objective=xo, tree_method="hist", max_depth=4, eta=0.3, booster=booster, max_cat_to_onehot=4, nthread=1, **classes)
            if booster == "dart":
                p["rate_drop"] = 0.3
            m = xgboost.train(p, d, 12)
            name = f"xgb-{task}-{booster}"
            m.save_model(f"{folder}/{name}.json")
            m.save_model(f"{folder}/{name}.ubj")
            save(name, m.predict(d, output_margin=True))
            if task == "logistic" and booster == "gbtree":
                save(name + "-shap", m.predict(d, pred_contribs=True))
        p = dict(objective=lo, num_leaves=9, min_data_in_leaf=5, min_data_per_group=5, cat_smooth=1, learning_rate=0.2, verbose=-1, num_threads=1, **classes)
        m = lightgbm.train(p, lightgbm.Dataset(plain(x), t, feature_name=names, categorical_feature=[6]), 12)
        m.save_model(f"{folder}/lgb-{task}.txt")
        save(f"lgb-{task}-margins", m.predict(plain(x), raw_score=True))
        if task == "logistic":
            save(f"lgb-{task}-shap", m.predict(plain(x), pred_contrib=True))
    # The survival objective: time y + whole, event where y > 0.
    time = (y + x["whole"] + 1 + np.arange(n) / 1024) * np.where(y > 0, 1, -1)
    m = xgboost.train(dict(objective="survival:cox", tree_method="exact", max_depth=3, eta=0.3, nthread=1),
                      xgboost.DMatrix(plain(x)[:, :6], time), 4)
    m.save_model(f"{folder}/xgb-cox-gbtree.json")
    save("cox", m.predict(xgboost.DMatrix(plain(x)[:, :6]), output_margin=True))
else:
    x, _ = frame()
    order = json.load(open(f"{folder}/order.json"))
    x = x[order]
    for task in ["logistic", "softmax", "squared", "poisson"]:
        types = ["c" if c == "kind" else "float" for c in order]
        d = xgboost.DMatrix(plain(x), feature_names=order, feature_types=types, enable_categorical=True)
        for suffix in ["json", "ubj"]:
            m = xgboost.Booster(model_file=f"{folder}/our-{task}.{suffix}")
            save(f"our-{task}-{suffix}", m.predict(d, output_margin=True))
        m = lightgbm.Booster(model_file=f"{folder}/our-{task}-lgb.txt")
        save(f"our-{task}-lgb-margins", m.predict(plain(x), raw_score=True))
        s = onnxruntime.InferenceSession(f"{folder}/our-{task}.onnx")
        margin, prediction = s.run(None, {"x": plain(x).astype(np.float32)})
        save(f"our-{task}-onnx", margin)
        save(f"our-{task}-onnx-prediction", prediction)
