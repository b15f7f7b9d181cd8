# Pooling by metafor::rma, its iterations run to full precision; centers made of real cohorts.
source("common.R")
suppressPackageStartupMessages(library(metafor))
by_center <- function(cohort, center, x) {
  d <- cohorts[[cohort]]
  fits <- lapply(split(d, d[[center]]), function(part) tryCatch(coxph(as.formula(paste("Surv(time, event) ~", x)), data = part), warning = function(w) NULL, error = function(e) NULL))
  fits <- Filter(function(f) !is.null(f) && !is.na(coef(f)) && vcov(f)[1, 1] < 25, fits)
  list(yi = unname(sapply(fits, coef)), sei = unname(sapply(fits, function(f) sqrt(vcov(f)[1, 1]))))
}
bcg <- with(escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg), list(yi = as.numeric(yi), sei = sqrt(as.numeric(vi))))
sets <- list(bcg = bcg, bmt = by_center("bmt", "hospital", "z1"), veteran = by_center("veteran", "celltype", "trt"), hodg = by_center("hodg", "dtype", "gtype"),
  equal = list(yi = c(0.1, 0.5, 0.9), sei = c(0.2, 0.2, 0.2)), homogeneous = list(yi = c(0.31, 0.30, 0.29, 0.33), sei = c(0.2, 0.3, 0.25, 0.5)), single = list(yi = 0.4, sei = 0.3),
  spread = list(yi = c(-1.2, 0.3, 2.4, 0.9, -0.4), sei = c(0.15, 0.9, 0.4, 0.2, 1.3)))
methods <- c(fixed = "FE", "dersimonian-laird" = "DL", reml = "REML")
for (name in names(sets)) for (method in names(methods)) for (test in c("z", "hksj")) {
  s <- sets[[name]]
  if (length(s$yi) == 1 && test == "hksj") next
  f <- suppressWarnings(rma(yi, sei = sei, data = s, method = methods[[method]], test = if (test == "z") "z" else "knha", control = list(threshold = 1e-14, maxiter = 10000)))
  expected <- list(estimate = c(f$beta), std_error = f$se, ci_lower = f$ci.lb, ci_upper = f$ci.ub, p_value = f$pval, tau_squared = f$tau2, q = f$QE, q_p_value = f$QEp, i_squared = f$I2, h_squared = f$H2)
  add("meta_analysis", NULL, list(), list(estimate = I(s$yi), std_error = I(s$sei), method = method, test = test), expected, set = name,
    absolute = if (f$tau2 < 1e-12) list(tau_squared = 1e-12, i_squared = 1e-6))
  if (method == "fixed" || length(s$yi) == 1) next
  for (prediction in c("same", "riley")) {
    p <- if (prediction == "riley") predict(f, pi.type = "riley") else predict(f)
    add("prediction_interval", NULL, list(), list(estimate = I(s$yi), std_error = I(s$sei), method = method, test = test, prediction = prediction), list(prediction_lower = p$pi.lb, prediction_upper = p$pi.ub), set = name)
  }
}
freeze(cases, "meta_analysis.json")
