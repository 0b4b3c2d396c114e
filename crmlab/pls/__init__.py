"""Customer satisfaction indices by partial least squares path modelling (PLS).

A path model says which items measure which latent variable (`blocks`) and which latent variable acts on which
(`paths`). PLS makes a score of every latent variable, a weighted sum of its items, and estimates the paths by
regressions between the scores (Wold 1982; Lohmöller 1989; Tenenhaus et al. 2005).

``model`` checks the survey and fits, ``algorithm`` holds the steps of PLS, ``results`` what comes out, with
``assessment`` (is it measured well?) and ``index`` (what do customers think, what would change it?), and
``bootstrap`` tells how sure the estimates are.
"""

from crmlab.pls.bootstrap import PLSBootstrap
from crmlab.pls.model import PLSPathModel
from crmlab.pls.results import PLSResult

__all__ = ["PLSBootstrap", "PLSPathModel", "PLSResult"]
