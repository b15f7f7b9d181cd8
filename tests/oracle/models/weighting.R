# Writes weighting.json: propensity by glm, weights, balance, effective sample size, weighted Cox and Kaplan-Meier.
source("common.R")
survival_of <- function(fit, at) { s <- summary(fit, times = at, extend = TRUE); c(s$surv, s$std.err, s$lower, s$upper) }
for (pair in list(
  list("lung", "female", c("age", "ph.karno"), c(180, 365)), list("veteran", "trt", c("celltype", "karno", "age"), c(30, 90)),
  list("colon", "node4", c("sex", "age", "differ"), c(365, 1826)), list("kidney", "female", c("age"), c(30, 100)),
  list("bmt", "acute", c("group", "z1", "z2"), c(100, 1000)), list("pbc", "sex_f", c("age", "bili", "edema"), c(1000, 2000)))) {
  frame <- cohorts[[pair[[1]]]]
  if (pair[[2]] == "sex_f") frame$sex_f <- as.integer(frame$sex == "f")
  a <- frame[[pair[[2]]]]
  right <- stats::as.formula(paste(pair[[2]], "~", paste(pair[[3]], collapse = " + ")))
  ps <- glm(right, binomial, frame, control = glm.control(epsilon = 1e-14, maxit = 100))
  e <- fitted(ps)
  own <- ifelse(a == 1, e, 1 - e)
  cut <- function(w, q) pmin(pmax(w, quantile(w, q[1])), quantile(w, q[2]))
  weightings <- list(
    list(kind = "overlap", w = 1 - own), list(kind = "treated", w = ifelse(a == 1, 1, e / (1 - e))),
    list(kind = "inverse_probability", stabilized = FALSE, w = 1 / own),
    list(kind = "inverse_probability", stabilized = TRUE, w = ifelse(a == 1, mean(a), 1 - mean(a)) / own),
    list(kind = "inverse_probability", stabilized = TRUE, truncate = I(c(0.05, 0.95)),
      w = cut(ifelse(a == 1, mean(a), 1 - mean(a)) / own, c(0.05, 0.95))))
  x <- model.matrix(right, frame)[, -1, drop = FALSE]
  for (v in weightings) {
    w <- unname(v$w)
    frame$w <- w
    frame$a <- a
    cox <- coxph(Surv(time, event) ~ a, frame, weights = w, robust = TRUE, control = tight)
    curves <- lapply(1:0, function(arm) survival_of(
      survfit(Surv(time, event) ~ 1, frame[a == arm, ], weights = w, robust = TRUE, conf.type = "log-log"), pair[[4]]))
    unit <- apply(x, 2, function(z) { s <- function(y) if (all(z %in% 0:1)) mean(y) * (1 - mean(y)) else var(y)
      sqrt((s(z[a == 1]) + s(z[a == 0])) / 2) })
    diff_of <- function(w) apply(x, 2, function(z) weighted.mean(z[a == 1], w[a == 1]) - weighted.mean(z[a == 0], w[a == 0])) / unit
    add("weighting", pair[[1]], list(treatment = pair[[2]], terms = I(pair[[3]])), list(
      propensity_coefficient = I(unname(coef(ps))), propensity_std_error = I(unname(sqrt(diag(vcov(ps))))),
      weights = sample_of(w), before = I(unname(diff_of(rep(1, length(w))))), after = I(unname(diff_of(w))),
      effective_n = I(c(sum(w[a == 1])^2 / sum(w[a == 1]^2), sum(w[a == 0])^2 / sum(w[a == 0]^2), sum(w)^2 / sum(w^2))),
      coefficient = unname(coef(cox)), std_error = sqrt(cox$var[1, 1]), treated = I(curves[[1]]), control = I(curves[[2]])),
      weighing = v[setdiff(names(v), "w")], at = I(pair[[4]]))
  }
}
freeze(cases, file.path(target(), "weighting.json"))
