# Writes firth.json: Firth's penalized likelihood maximized and profiled in base R, on R's own partial likelihood
# and information (coxph without iterations). coxphf is not in Debian.
source("common.R")
model <- function(terms, time = "time", event = "event", ...) list(time = time, event = event, terms = I(terms), ...)

cox_objective <- function(cohort, m) {
  frame <- cohorts[[cohort]]
  x <- coxph(as_formula(m), frame, x = TRUE, iter.max = 0)$x
  x <- x[, apply(x, 2, sd) > 0, drop = FALSE]
  left <- with(frame, if (is.null(m$entry)) Surv(get(m$time), event) else Surv(get(m$entry), get(m$time), event))
  layer <- if (is.null(m$strata)) NULL else strata(frame[[m$strata]])
  w <- if (is.null(m$weights)) rep(1, nrow(frame)) else frame[[m$weights]]
  zero <- coxph.control(iter.max = 0, toler.chol = 1e-14)
  fitter <- if (is.null(m$entry)) survival::coxph.fit else survival::agreg.fit
  layer <- if (is.null(layer)) NULL else as.integer(layer)
  list(p = ncol(x), scale = 1 / apply(x, 2, sd), value = function(b) {
    fit <- suppressWarnings(fitter(x, left, layer, rep(0, nrow(x)), b, zero, w, m$ties, rownames(frame), resid = FALSE))
    fit$loglik[length(fit$loglik)] - as.numeric(determinant(fit$var)$modulus) / 2
  })
}
maximize <- function(f, start, scale) {
  if (!length(start)) return(list(par = start, value = f(start)))
  best <- optim(start, f, method = "BFGS", control = list(fnscale = -1, reltol = 1e-15, maxit = 500, parscale = scale))
  for (i in 1:2) best <- optim(best$par, f, method = "BFGS",
    control = list(fnscale = -1, reltol = 1e-16, maxit = 500, parscale = scale, ndeps = rep(1e-4, length(start))))
  best
}
profile_r <- function(o, j, b, best, scale) {
  held <- function(at) maximize(function(free) o$value(append(free, at, j - 1)), best$par[-j], scale[-j])$value
  half <- qchisq(0.95, 1) / 2
  gap <- function(at) best$value - held(at) - half
  far <- function(sign) {
    step <- 1
    while (gap(b + sign * step * scale[j]) < 0) step <- step * 1.6
    uniroot(gap, sort(c(b, b + sign * step * scale[j])), tol = 1e-9 * scale[j])$root
  }
  list(lower = far(-1), upper = far(1), chisq = 2 * (best$value - held(0)))
}
freeze_firth <- function(operation, cohort, m, o) {
  start <- rep(0, o$p)
  best <- maximize(o$value, start, o$scale)
  profiles <- lapply(seq_len(o$p), function(j) profile_r(o, j, best$par[j], best, o$scale))
  get <- function(name) I(vapply(profiles, `[[`, 0, name))
  add(operation, cohort, m, list(coefficient = I(unname(best$par)), log_likelihood = best$value,
    ci_lower = get("lower"), ci_upper = get("upper"), chisq = get("chisq")))
}
for (pair in list(
  list("separated", model("g", ties = "breslow")), list("separated", model(c("x", "z"), ties = "breslow")),
  list("separated", model(c("x", "g"), ties = "efron")), list("edge", model(c("x", "z"), ties = "efron")),
  list("edge", model(c("x", "z", "g"), ties = "breslow")), list("book1", model("x", ties = "efron")),
  list("book1", model("x", ties = "breslow")), list("edge", model("x", ties = "efron", strata = "s")),
  list("edge", model("x", time = "end", entry = "entry", ties = "efron")),
  list("edge", model("z", ties = "efron", weights = "w")),
  list("kidney", model(c("age", "female"), ties = "breslow")), list("veteran", model(c("trt", "karno"), ties = "breslow"))))
  freeze_firth("firth_cox", pair[[1]], pair[[2]], cox_objective(pair[[1]], pair[[2]]))
freeze(cases, file.path(target(), "firth.json"))
