"""Measures one problem with one program: peer.py PROGRAM JSON. See README.md."""
import json
import resource
import sys

import numpy as np

program, p = sys.argv[1], json.loads(sys.argv[2])


def load(name, n):
    x = np.fromfile(f"{p['folder']}/{p['name']}{name}", np.float32).reshape(-1, n)
    return np.ascontiguousarray(x.T)


def processor():
    u = resource.getrusage(resource.RUSAGE_SELF)
    return u.ru_utime + u.ru_stime


x, y = load("-x", p["rows"]), load("-y", p["rows"]).ravel()
xt, yt = load("-test-x", p["test"]), load("-test-y", p["test"]).ravel()
n = p["threads"]
if program == "xgboost":
    import xgboost

    version = "XGBoost " + xgboost.__version__
    start = processor()
    d = xgboost.QuantileDMatrix(x, y, max_bin=p["bins"], nthread=n)
    m = xgboost.train(dict(objective="binary:logistic", tree_method="hist", grow_policy="lossguide", max_leaves=p["leaves"], max_depth=0,
                           max_bin=p["bins"], eta=p["rate"], nthread=n), d, p["rounds"])
    cpu = processor() - start
    q = m.predict(xgboost.DMatrix(xt))
elif program == "lightgbm":
    import lightgbm

    version = "LightGBM " + lightgbm.__version__
    start = processor()
    c = dict(objective="binary", num_leaves=p["leaves"], max_bin=p["bins"], learning_rate=p["rate"], num_threads=n, lambda_l2=1,
             min_data_in_leaf=1, min_data_in_bin=1, min_sum_hessian_in_leaf=1, verbose=-1)
    m = lightgbm.train(c, lightgbm.Dataset(x, y, params=c), p["rounds"])
    cpu = processor() - start
    q = m.predict(xt)
else:
    import sklearn
    from sklearn.ensemble import HistGradientBoostingClassifier

    version = "scikit-learn " + sklearn.__version__
    start = processor()
    m = HistGradientBoostingClassifier(max_iter=p["rounds"], max_leaf_nodes=p["leaves"], max_bins=min(255, p["bins"]), learning_rate=p["rate"],
                                       l2_regularization=1, min_samples_leaf=1, early_stopping=False).fit(x, y)
    cpu = processor() - start
    q = m.predict_proba(xt)[:, 1]
q = np.clip(q.astype(float), 1e-15, 1 - 1e-15)
loss = -np.mean(np.where(yt == 1, np.log(q), np.log(1 - q)))
print(json.dumps({"cpu_s": cpu, "logloss": loss, "version": version}))
